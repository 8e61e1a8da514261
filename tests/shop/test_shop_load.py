"""The load: the right number of people, at their own paces, quietly."""

import os
import signal
import subprocess
import sys
import time

import pytest
import requests

from .world import ROOT, Running, World, can_run_as, parse_logfmt, poll

PLAN = {"BROWSERS": "4", "CART_USERS": "2", "PAYERS": "16"}


def environment(target: str, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "setup"),
        "TARGET_URL": target,
        **PLAN,
        **changes,
    }


def payments(checkout: Running) -> float:
    text = requests.get(checkout.url("/metrics"), timeout=5).text
    lines = [line for line in text.splitlines() if line.startswith("shop_payments_total")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def start_load(world: World, target: str, **changes: str) -> Running:
    user = 10001 if can_run_as(10001) else None
    # No home, no name for the user, and / as the folder: as in a container with a read-only root.
    variables = {**environment(target, **changes), "PYTHONDONTWRITEBYTECODE": "1"}
    address = world.new_address()
    return world.launch([sys.executable, "-m", "shop.load"], {**variables, "POD_IP": address}, address, user)


def test_payers_keep_their_pace_whatever_browsers_meet(world, shop):
    load = start_load(world, shop["web-gateway"].url(""))
    start = payments(shop["checkout"])
    poll(lambda: payments(shop["checkout"]) >= start + 16, 10, "the first payments")
    before, at = payments(shop["checkout"]), time.monotonic()
    # Pictures hang from now on: browsers wait, and nobody else.
    frozen = world.start("content")
    frozen.process.send_signal(signal.SIGSTOP)
    world.name("content", frozen.address)
    try:
        poll(lambda: "summary" in load.log.read_text(), 15, "a summary")
        rate = (payments(shop["checkout"]) - before) / (time.monotonic() - at)
    finally:
        world.name("content", shop["content"].address)
        frozen.kill()
    assert load.stop() == 0
    # 16 payers, one payment in 2 s each; with the browsers waiting in their way it would be next to none.
    assert 5 < rate < 9.5
    (line,) = [parse_logfmt(line) for line in load.log.read_text().splitlines()]
    assert (line["level"], line["msg"]) == ("info", "summary")
    # The payers' alone make as many; how many more the others make depends on the machine.
    assert float(line["per_second"]) > 5
    assert line["failed"] in ("none", f"picture: {line['failures']}")


def test_what_people_meet_is_a_metric(world, shop):
    load = start_load(world, shop["web-gateway"].url(""), SERVICE_NAME="people")
    address = shop["web-gateway"].address
    labels = f'server_address="{address}",service_name="people"'
    name = "http_client_request_duration_seconds_count"

    def count(error: str, method: str, status: str) -> float:
        kind = f'error_type="{error}",http_request_method="{method}",http_response_status_code="{status}"'
        text = requests.get(load.url("/metrics"), timeout=5).text
        return float(text.split(f"{name}{{{kind},{labels}}} ")[1].split()[0])

    poll(lambda: count("", "GET", "200") > 0 and count("", "POST", "200") > 0, 15, "answers are counted")
    # Failures have a series before the first of them.
    assert count("503", "GET", "503") == 0
    shop["web-gateway"].process.send_signal(signal.SIGSTOP)
    try:
        failed = f'http_request_method="GET",http_response_status_code="",{labels}}}'

        def timed_out() -> bool:
            lines = requests.get(load.url("/metrics"), timeout=5).text.splitlines()
            return any(name in line and failed in line and not line.endswith(" 0.0") for line in lines)

        poll(timed_out, 20, "time-outs are counted")
    finally:
        shop["web-gateway"].process.send_signal(signal.SIGCONT)
    assert load.stop() == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TARGET_URL": ""}, "TARGET_URL is not set"),
        ({"TARGET_URL": "web-gateway"}, "TARGET_URL is not a URL"),
        ({"PAYERS": "-1"}, "PAYERS is '-1'"),
        ({"BROWSERS": "0", "CART_USERS": "0", "PAYERS": "0"}, "nobody would come"),
    ],
)
def test_an_unusable_environment_is_one_clear_line(changes, message):
    result = subprocess.run(
        [sys.executable, "-m", "shop.load"],
        env=environment("http://x", **changes),
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_locust_itself_says_so_too():
    file = ROOT / "setup" / "shop" / "load" / "locustfile.py"
    result = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(file), "--headless"],
        env=environment("http://x", PAYERS="some"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert "load: PAYERS is 'some'" in result.stderr
    assert "Traceback" not in result.stderr
