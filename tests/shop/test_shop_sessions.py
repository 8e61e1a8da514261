"""Sessions: signed, kept in Redis, never taken from a client's word."""

import base64
import hashlib
import hmac
import subprocess

import pytest
import requests

from .servers import unreliable
from .world import SESSION_KEY

LINE = {"product_id": "carrot-cake", "quantity": 1}


@pytest.fixture
def api(shop):
    return shop["web-gateway"].url("/api/v1/cart/items")


def sign(identity: str, key: str) -> str:
    digest = hmac.new(key.encode(), identity.encode(), hashlib.sha256).digest()
    return f"{identity}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_cookie_is_signed_and_kept_from_scripts(shop):
    cookie = requests.get(shop["web-gateway"].url("/"), timeout=5).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    identity, signature = cookie.split("=", 1)[1].split(";")[0].split(".")
    assert sign(identity, SESSION_KEY) == f"{identity}.{signature}"


def test_the_same_cookie_is_the_same_cart(api):
    with requests.Session() as visitor:
        assert visitor.post(api, json=LINE, timeout=5).json()["count"] == 1
        assert visitor.post(api, json=LINE, timeout=5).json()["count"] == 2
    assert requests.get(api, timeout=5).json()["count"] == 0


@pytest.mark.parametrize("forgery", ["other key", "changed id", "no signature", "not ascii", "only a dot"])
def test_a_forged_cookie_is_a_stranger(api, forgery):
    with requests.Session() as victim:
        victim.post(api, json=LINE, timeout=5)
        cookie = victim.cookies["session"]
    identity, signature = cookie.split(".")
    forged = {
        "other key": sign(identity, "another-key-of-some-length"),
        "changed id": f"{identity[:-1]}{'A' if identity[-1] != 'A' else 'B'}.{signature}",
        "no signature": identity,
        "not ascii": f"{identity}.\xff\xfe",
        "only a dot": ".",
    }[forgery]
    answer = requests.get(api, headers={"Cookie": f"session={forged}".encode("latin-1")}, timeout=5)
    assert answer.status_code == 200
    assert answer.json()["count"] == 0
    assert "session=" in answer.headers["Set-Cookie"]


def test_a_clients_session_header_is_ignored(api):
    with requests.Session() as victim:
        victim.post(api, json=LINE, timeout=5)
        identity = victim.cookies["session"].split(".")[0]
    answer = requests.get(
        api, headers={"X-Session-Id": identity, "Connection": "close, x-session-id"}, timeout=5
    )
    assert answer.status_code == 200
    assert answer.json()["count"] == 0


def test_a_session_ends_and_does_not_come_back(shop, api):
    with requests.Session() as visitor:
        visitor.post(api, json=LINE, timeout=5)
        before = visitor.cookies["session"]
        key = f"session:{before.split('.')[0]}"
        redis = ["redis-cli", "-h", shop["session-data"].address]
        seconds = subprocess.run([*redis, "TTL", key], check=True, capture_output=True, text=True).stdout
        assert 0 < int(seconds) <= 7200
        subprocess.run([*redis, "DEL", key], check=True, capture_output=True)
        assert visitor.get(api, timeout=5).json()["count"] == 0
        assert visitor.cookies["session"] != before


def test_what_is_private_to_the_browser_goes_no_further(world, shop):
    assert shop
    private = {"Cookie": "theme=dark", "Authorization": "Basic eA==", "X-Session-Id": "a-session-of-my-choice"}
    with unreliable(world, "recorder", answers=9) as server:
        web = world.start("web-gateway", API_GATEWAY_URL="http://recorder:8080")
        for path in ("content/pictures/carrot-cake.svg", "cart/items"):
            answer = requests.get(web.url(f"/api/v1/{path}"), headers=private, timeout=5)
            assert answer.status_code == 200
        web.kill()
    names = [header.split(b":")[0] for header in server.headers]
    assert names.count(b"traceparent") == 2
    assert not {b"cookie", b"authorization"} & set(names)
    # Once, for the cart, and it is the storefront's own.
    assert names.count(b"x-session-id") == 1
    assert not any(b"a-session-of-my-choice" in header for header in server.headers)
