import asyncio
import logging
import socket
import sqlite3
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests

from lab.grafana.server import serve

from .conftest import TOKEN, running_grafana

PATHS = ["/api/org", "/api/datasources", "/api/annotations", "/api/search", "/api/no/such/path", "/metrics"]


def get(grafana, path, header):
    headers = {} if header is None else {"Authorization": header}
    return requests.get(grafana.url + path, headers=headers, timeout=5)


@pytest.mark.parametrize("path", PATHS)
def test_without_credentials_nothing_is_told(grafana, path):
    answer = get(grafana, path, None)
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "Unauthorized",
        "extra": None,
        "messageId": "auth.unauthorized",
        "statusCode": 401,
        "traceID": "",
    }


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (f"Bearer {TOKEN}x", "Invalid API key"),
        (f"Bearer {TOKEN[:-1]}", "Invalid API key"),
        ("Bearer", "Invalid API key"),
        ("Bearer tökén", "Invalid API key"),
        (f"Token {TOKEN}", "Invalid API key"),
        ("Basic YWRtaW46YWRtaW4=", "Invalid username or password"),
    ],
)
def test_wrong_credentials(grafana, header, message):
    answer = get(grafana, "/api/org", header.encode())
    assert (answer.status_code, answer.json()["message"]) == (401, message)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens(grafana, scheme):
    assert get(grafana, "/api/org", f"{scheme} {TOKEN}").json()["id"] == 1


def test_health_needs_no_token(grafana):
    answer = get(grafana, "/api/health", None)
    assert (answer.status_code, answer.json()["database"]) == (200, "ok")


def test_the_page_says_what_this_is_and_links_to_what_exists(grafana):
    page = get(grafana, "/", None)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "not Grafana" in page.text
    assert TOKEN not in page.text
    links = [part.split('"')[0] for part in page.text.split('href="')[1:]]
    assert len(links) >= 4
    assert {link: grafana.get(link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/nothing"), ("GET", "/nothing"), ("DELETE", "/api/org"), ("PUT", "/api/ds/query")],
)
def test_an_unknown_path_or_method_is_not_found(grafana, method, path):
    answer = grafana.call(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})


def test_an_unexpected_error_is_logged_under_the_id_that_the_client_sees(own_settings, monkeypatch, caplog):
    def broken(*_args):
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("lab.grafana.annotation_store.AnnotationStore.find", broken)
    with caplog.at_level(logging.DEBUG), running_grafana(own_settings) as grafana:
        answer = grafana.get("/api/annotations")
    assert answer.status_code == 500
    assert answer.json()["message"] == "Internal Server Error"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["traceID"] in caplog.text
    assert "secret of the house" in caplog.text
    assert own_settings.token not in caplog.text


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET /api/org HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\x01\r\n\r\n",
        f"GET /api/org HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {TOKEN}\r\n\r\n",
    ],
)
def test_a_request_that_is_not_http_is_not_quoted_in_the_log(own_settings, caplog, request_text):
    with caplog.at_level(logging.DEBUG), running_grafana(own_settings) as grafana:
        url = urlsplit(grafana.url)
        with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
            connection.sendall(request_text.encode())
            assert b" 400 " in connection.recv(100)
    assert "not HTTP" in caplog.text
    assert TOKEN not in caplog.text


def test_a_client_that_goes_away_leaves_no_error_in_the_log(own_settings, caplog):
    with caplog.at_level(logging.INFO), running_grafana(own_settings) as grafana:
        url = urlsplit(grafana.url)
        head = f"POST /api/annotations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
            connection.sendall(f"{head}Content-Length: 50\r\n\r\n{{".encode())
        assert grafana.get("/api/annotations").json() == []
    assert caplog.text == ""


def test_health_is_503_when_the_database_is_gone(own_settings, monkeypatch):
    def closed(*_args):
        raise sqlite3.ProgrammingError("Cannot operate on a closed database.")

    class Broken:
        execute = closed
        close = staticmethod(lambda: None)

    monkeypatch.setattr("lab.grafana.server.store.connect", lambda _folder: Broken())
    with running_grafana(own_settings) as grafana:
        answer = grafana.get("/api/health")
    assert (answer.status_code, answer.json()["database"]) == (503, "failing")


def test_a_port_in_use_is_an_error_and_leaves_nothing_behind(own_settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_settings = replace(own_settings, port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            asyncio.run(serve(taken_settings))
    with running_grafana(own_settings) as grafana:
        assert grafana.get("/api/org").ok


def test_a_damaged_database_is_put_aside(own_settings, caplog):
    folder = own_settings.state_dir
    folder.mkdir()
    (folder / "grafana.db").write_bytes(b"not a database" * 100)
    with running_grafana(own_settings) as client:
        assert client.get("/api/annotations").json() == []
    assert (folder / "grafana.broken").read_bytes() == b"not a database" * 100
    assert "was damaged and begins anew" in caplog.text


def test_the_token_is_neither_empty_nor_printed(own_settings):
    assert own_settings.token not in repr(own_settings)
    with pytest.raises(ValueError, match="token of the Grafana API is empty"):
        replace(own_settings, token="")
