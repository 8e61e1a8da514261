"""k6's people do what Locust's do: the same requests, by as many people, at the same pace."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from .recorder import Request, keys, recording

ROOT = Path(__file__).parents[2]
LOCUSTFILE = (ROOT / "setup" / "shop" / "load" / "locustfile.py").read_text()
DOCUMENTS = list(yaml.safe_load_all((ROOT / "manifests" / "observability" / "k6.yaml").read_text()))
SCRIPT = DOCUMENTS[0]["data"]["journey.js"]
PEOPLE = {"BROWSERS": "8", "CART_USERS": "2", "PAYERS": "2"}
# Runs each kind of people some rounds with k6's modules replaced by ones that write down what is asked.
DRIVER = """
globalThis.__ENV = { TARGET_URL: "http://shop", DURATION: "1s", BROWSERS: "1", CART_USERS: "1", PAYERS: "1" };
globalThis.__VU = 1;
globalThis.recorded = [];
const script = await import("./journey.mjs");
for (globalThis.__ITER = 0; globalThis.__ITER < 8; globalThis.__ITER++) {
  for (const name of Object.keys(script.options.scenarios)) script[name]();
}
console.log(JSON.stringify(globalThis.recorded));
"""
HTTP = """
const form = (body) => (typeof body === "string" ? body : new URLSearchParams(body).toString());
const ask = (method, url, body, settings) => {
  const form_media = "application/x-www-form-urlencoded";
  const media = typeof body === "string" ? settings.headers["Content-Type"] : form_media;
  globalThis.recorded.push({ method, url, media: body ? media : "", body: body ? form(body) : "" });
  return { status: 200 };
};
export default {
  get: (url, settings) => ask("GET", url, null, settings),
  post: (url, body, settings) => ask("POST", url, body, settings),
};
"""
K6 = """
export const check = (value, sets) => Object.values(sets).every((f) => f(value));
export const sleep = () => {};
"""
PACKAGE = '{"name": "k6", "type": "module", "exports": {".": "./k6.js", "./http": "./http.js"}}'


def chosen(name: str) -> list[str]:
    """Return the texts of a constant, such as PRODUCTS, in the locustfile."""
    (found,) = re.findall(rf"^{name} = \((.*)\)$", LOCUSTFILE, re.M)
    return re.findall(r'"([^"]+)"', found)


def templated(path: str) -> str:
    """Put {} for what people choose at random: a product, some words."""
    for word in [*chosen("PRODUCTS"), *(w.replace(" ", "+") for w in chosen("WORDS"))]:
        path = re.sub(rf"{re.escape(word)}(?=$|\.svg$)", "{}", path)
    return path


def template(request: Request) -> Request:
    method, path, media, names = request
    return method, templated(path), media, names


@pytest.fixture(scope="module")
def by_locust() -> set[Request]:
    """What the load generator really asks for, seen by a server."""
    pid = os.getpid()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "setup"),
        **PEOPLE,
        # Its metrics' port is the same for everybody, so the address is this process' own.
        "POD_IP": f"127.79.{pid // 250 % 250}.{1 + pid % 250}",
    }
    with recording() as server:
        load = subprocess.Popen(
            [sys.executable, "-m", "shop.load"],
            env=environment | {"TARGET_URL": server.url},
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 90
            # Every browser goes through all of its steps in turn; eight of them have by then.
            while len(server.requests) < 60:
                assert load.poll() is None, "the load ended"
                assert time.monotonic() < deadline, f"only {len(server.requests)} requests"
                time.sleep(0.1)
        finally:
            load.terminate()
            load.wait(30)
        return {template(request) for request in server.requests}


def by_k6(script: str, folder: Path) -> set[Request]:
    """What the script asks for, run by node with k6's modules replaced."""
    package = folder / "node_modules" / "k6"
    package.mkdir(parents=True)
    for name, text in (("package.json", PACKAGE), ("k6.js", K6), ("http.js", HTTP)):
        (package / name).write_text(text)
    (folder / "journey.mjs").write_text(script)
    (folder / "driver.mjs").write_text(DRIVER)
    done = subprocess.run(
        [shutil.which("node"), "driver.mjs"], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return {
        template((r["method"], r["url"].removeprefix("http://shop"), r["media"], keys(r["media"], r["body"])))
        for r in json.loads(done.stdout)
    }


def by_reading(script: str) -> set[tuple[str, str]]:
    """The methods and paths in the script's text."""
    found = re.findall(r"http\.(get|post)\(`\$\{TARGET\}([^`]*)`", script)
    return {(method.upper(), re.sub(r"\$\{[^}]*\}", "{}", path)) for method, path in found}


def test_the_script_names_the_requests_that_locust_makes(by_locust):
    assert by_reading(SCRIPT) == {request[:2] for request in by_locust}
    assert len(by_locust) == 8


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the script with")
def test_the_script_makes_the_requests_that_locust_makes(by_locust, tmp_path):
    assert by_k6(SCRIPT, tmp_path) == by_locust


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the script with")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/search?q=", "/find?q="),
        ("http.post(`${TARGET}/cart/items`", "http.put(`${TARGET}/cart/items`"),
        ("product_id: product,", "product: product,"),
        ("items: [line], ", ""),
    ],
)
def test_another_request_is_seen(by_locust, tmp_path, old, new):
    assert old in SCRIPT
    changed = SCRIPT.replace(old, new).replace("http.put", "http.get")
    assert by_k6(changed, tmp_path) != by_locust


def test_as_many_people_go_to_the_same_shop_and_choose_the_same_things():
    (container,) = DOCUMENTS[1]["spec"]["template"]["spec"]["containers"]
    ours = {e["name"]: e["value"] for e in container["env"]}
    app = yaml.safe_load_all((ROOT / "manifests" / "app.yaml").read_text())
    (load,) = [d for d in app if (d["kind"], d["metadata"]["name"]) == ("Deployment", "load")]
    theirs = {e["name"]: e.get("value") for e in load["spec"]["template"]["spec"]["containers"][0]["env"]}
    for name in ("TARGET_URL", "BROWSERS", "CART_USERS", "PAYERS"):
        assert ours[name] == theirs[name]
    for name in ("PRODUCTS", "WORDS"):
        (found,) = re.findall(rf"const {name} = \[(.*)\];", SCRIPT)
        assert re.findall(r'"([^"]+)"', found) == chosen(name)


def test_their_paces_and_patience_are_the_same():
    said = {name: int(n) for name, n in re.findall(r"^(\w+)_SECONDS = (\d+)$", LOCUSTFILE, re.M)}
    paces = {
        name: int(seconds)
        for name, seconds in re.findall(r"function (\w+)\(\) \{(?:(?!function).)*?pace\((\d+),", SCRIPT, re.S)
    }
    expected = {"browse": said["BROWSING"], "changeOfMind": said["CART"], "buy": said["PAYING"]}
    assert paces == expected
    assert f'const TIMEOUT = "{said["TIMEOUT"]}s";' in SCRIPT
