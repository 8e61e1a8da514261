import asyncio
import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from .conftest import free_port, running_grafana, running_prometheus, wait_until

INSTANT = {"expr": "vector(1)", "instant": True}


@contextmanager
def stub_upstream(answer) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Serve `answer` (a coroutine from request to response); yields the URL and the requests seen."""
    seen = []

    async def handle(request):
        seen.append(
            (request.method, request.rel_url.raw_path_qs, request.transport.get_extra_info("peername")[1])
        )
        return await answer(request)

    async def start():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


class TestDataSources:
    def test_the_list(self, grafana, prometheus):
        loki, source = grafana.get("/api/datasources").json()
        assert (loki["name"], loki["isDefault"]) == ("Loki", False)
        expected = {
            "id": 1,
            "uid": "prometheus",
            "name": "Prometheus",
            "type": "prometheus",
            "isDefault": True,
            "url": prometheus.url,
        }
        assert expected.items() <= source.items()
        assert source["jsonData"] == {"httpMethod": "POST", "timeInterval": "1000ms"}

    @pytest.mark.parametrize("path", ["uid/prometheus", "name/Prometheus"])
    def test_one(self, grafana, path):
        source = grafana.get(f"/api/datasources/{path}").json()
        assert (source["uid"], source["type"], source["isDefault"]) == ("prometheus", "prometheus", True)

    @pytest.mark.parametrize("path", ["uid/absent", "name/prometheus", "uid/absent/health"])
    def test_none(self, grafana, path):
        answer = grafana.get(f"/api/datasources/{path}")
        assert (answer.status_code, answer.json()) == (404, {"message": "Data source not found"})

    def test_health(self, grafana):
        answer = grafana.get("/api/datasources/uid/prometheus/health")
        assert answer.status_code == 200
        assert answer.json() == {"message": "Successfully queried the Prometheus API.", "status": "OK"}


class TestProxy:
    @pytest.mark.parametrize(
        "path",
        [
            "query?query=demo_gauge%7Bkind%3D%22one%22%7D",
            "query_range?query=up&start=1700000000&end=1700000060&step=15",
            "query_exemplars?query=up&start=1700000000&end=1700000060",
            "labels",
            "label/kind/values",
            "series?match[]=demo_gauge",
            "metadata?metric=demo_gauge",
            "rules",
            "alerts",
            "targets",
            "status/buildinfo",
        ],
    )
    def test_reading_is_passed_on(self, grafana, path):
        answer = grafana.get(f"/api/datasources/proxy/uid/prometheus/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success"
        assert answer.headers["Content-Type"].startswith("application/json")

    def test_values_come_through(self, grafana):
        path = "/api/datasources/proxy/uid/prometheus/api/v1/query"
        for answer in (
            grafana.get(path, query='demo_gauge{kind="two"} + 0'),
            grafana.call("POST", path, data={"query": 'demo_gauge{kind="two"} + 0'}),
        ):
            [series] = answer.json()["data"]["result"]
            assert series["value"][1] == "2.5"

    def test_status_codes_are_passed_on(self, grafana):
        answer = grafana.get("/api/datasources/proxy/uid/prometheus/api/v1/query", query="sum(")
        assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "api/v1/admin/tsdb/snapshot"),
            ("POST", "api/v1/admin/tsdb/delete_series"),
            ("POST", "-/quit"),
            ("GET", "-/reload"),
            ("GET", "graph"),
            ("GET", ""),
            ("POST", "api/v1/targets"),
            ("POST", "api/v1/write"),
            ("GET", "api/v1/query/"),
            ("GET", "api/v1/query%0A"),
            ("GET", "api/v1/label/../admin/values"),
            ("GET", "api/v1/label/..%2F..%2Fadmin/values"),
            ("GET", "api/v1/%2e%2e/%2e%2e/-/quit"),
            ("GET", "/evil.example/api/v1/query"),
        ],
    )
    def test_the_rest_is_refused_and_does_not_reach_the_data_source(self, own_settings, method, path):
        async def answer(_request):
            return web.Response(text="reached")

        with (
            stub_upstream(answer) as (url, seen),
            running_grafana(replace(own_settings, prometheus_url=url)) as grafana,
        ):
            # http.client sends the path as it is; requests would tidy it first.
            connection = http.client.HTTPConnection(urlsplit(grafana.url).netloc, timeout=5)
            headers = {"Authorization": grafana.session.headers["Authorization"], "Content-Length": "0"}
            connection.request(method, f"/api/datasources/proxy/uid/prometheus/{path}", headers=headers)
            status = connection.getresponse().status
            connection.close()
        assert status in {403, 404}
        assert seen == []

    def test_an_unknown_data_source(self, grafana):
        answer = grafana.get("/api/datasources/proxy/uid/absent/api/v1/query")
        assert (answer.status_code, answer.json()) == (404, {"message": "Unable to find datasource"})

    def test_the_token_does_not_reach_the_data_source(self, own_settings):
        headers = []

        async def answer(request):
            headers.append(request.headers)
            return web.json_response({"status": "success", "data": []})

        with (
            stub_upstream(answer) as (url, seen),
            running_grafana(replace(own_settings, prometheus_url=url)) as grafana,
        ):
            grafana.get("/api/datasources/proxy/uid/prometheus/api/v1/labels", **{"match[]": 'a{b="c d"}'})
        assert "Authorization" not in headers[0]
        [(method, path, _)] = seen
        assert method == "GET"
        assert path in {
            "/api/v1/labels?match%5B%5D=a%7Bb%3D%22c+d%22%7D",
            "/api/v1/labels?match[]=a%7Bb%3D%22c+d%22%7D",
        }


class TestRules:
    def test_grafana_itself_has_none(self, grafana):
        rules = grafana.get("/api/prometheus/grafana/api/v1/rules")
        assert rules.json() == {"status": "success", "data": {"groups": []}}
        alerts = grafana.get("/api/prometheus/grafana/api/v1/alerts")
        assert alerts.json() == {"status": "success", "data": {"alerts": []}}

    def test_those_of_prometheus(self, grafana):
        answer = grafana.get("/api/prometheus/prometheus/api/v1/rules", type="alert").json()
        [rule] = answer["data"]["groups"][0]["rules"]
        assert (rule["name"], rule["state"]) == ("DemoAlwaysFires", "firing")
        assert rule["alerts"][0]["activeAt"]

    def test_alerts_of_prometheus(self, grafana):
        [alert] = grafana.get("/api/prometheus/prometheus/api/v1/alerts").json()["data"]["alerts"]
        assert (alert["state"], alert["labels"]["severity"]) == ("firing", "page")

    def test_of_no_data_source(self, grafana):
        assert grafana.get("/api/prometheus/mimir/api/v1/rules").status_code == 404


def test_prometheus_stops_and_comes_back(tmp_path, exporter_port, own_settings):
    with running_prometheus(tmp_path, exporter_port) as own_prometheus:
        settings = replace(own_settings, prometheus_url=own_prometheus.url)
        with running_grafana(settings) as grafana:
            assert grafana.query(INSTANT).status_code == 200
            own_prometheus.stop()
            check_everything_says_that_it_is_down(grafana, own_prometheus.url)
            own_prometheus.start()
            wait_until(lambda: grafana.query(INSTANT).status_code == 200, "Prometheus answers again")


def check_everything_says_that_it_is_down(grafana, url):
    down = f'Post "{url}/api/v1/query": connection refused'
    answer = grafana.query(INSTANT, {"expr": "sum("})
    assert answer.status_code == 400
    result = answer.json()["results"]["A"]
    assert result == {"error": down, "errorSource": "downstream", "status": 502, "frames": []}
    health = grafana.get("/api/datasources/uid/prometheus/health")
    assert health.status_code == 400
    message = f"{down} - There was an error returned querying the Prometheus API."
    assert health.json() == {"message": message, "status": "ERROR"}
    for path in (
        "/api/datasources/proxy/uid/prometheus/api/v1/labels",
        "/api/prometheus/prometheus/api/v1/rules",
    ):
        answer = grafana.get(path)
        assert answer.status_code == 502
        assert answer.json()["message"].endswith("connection refused")
    assert grafana.get("/api/health").status_code == 200


def test_an_upstream_that_hangs_costs_no_more_than_the_timeout(own_settings):
    async def hang(_request):
        await asyncio.Event().wait()

    with stub_upstream(hang) as (url, seen):
        settings = replace(own_settings, prometheus_url=url, timeout_seconds=0.4)
        with running_grafana(settings) as grafana:
            start = time.monotonic()
            answer = grafana.query(*[INSTANT] * 4)
            assert time.monotonic() - start < 10
            assert answer.status_code == 400
            for result in answer.json()["results"].values():
                assert result["status"] == 502
                assert result["error"] == f'Post "{url}/api/v1/query": no answer within 0.4 s'
            assert grafana.get("/api/prometheus/prometheus/api/v1/rules").status_code == 502
            assert grafana.get("/api/datasources/uid/prometheus/health").status_code == 400
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "<html>hello</html>", 502),
        (200, '{"status": "success"}', 502),
        (200, '{"status": "success", "data": {"resultType": "streams", "result": []}}', 502),
        (200, '{"status": "success", "data": {"resultType": "vector", "result": [{}]}}', 502),
        (200, '{"status": "success", "data": {"resultType": "vector", "result": [{"histogram": []}]}}', 502),
        (200, "[]", 502),
        (503, "<html>no</html>", 503),
        (302, "", 502),
        (503, '{"status": "error", "errorType": "timeout", "error": "too slow"}', 503),
    ],
)
def test_an_upstream_that_is_no_prometheus(own_settings, status, body, expected):
    async def answer(_request):
        return web.Response(status=status, text=body, headers={"Location": "/"} if status == 302 else {})

    with (
        stub_upstream(answer) as (url, _),
        running_grafana(replace(own_settings, prometheus_url=url)) as grafana,
    ):
        result = grafana.query(INSTANT).json()["results"]["A"]
    assert result["status"] == expected
    assert result["error"] == "timeout: too slow" or f"HTTP {status}" in result["error"]


def test_an_upstream_that_breaks_off(own_settings):
    async def answer(request):
        request.transport.close()
        return web.Response()

    with (
        stub_upstream(answer) as (url, _),
        running_grafana(replace(own_settings, prometheus_url=url)) as grafana,
    ):
        result = grafana.query(INSTANT).json()["results"]["A"]
    assert result["status"] == 502
    assert "disconnected" in result["error"].lower()


def test_warnings_and_infos_become_notices(own_settings):
    series = [{"metric": {"a": str(n)}, "value": [1.0, "1"]} for n in range(2)]
    answers = [series, []]

    async def answer(_request):
        data = {"resultType": "vector", "result": answers.pop(0)}
        return web.json_response(
            {"status": "success", "data": data, "warnings": ["partial"], "infos": ["not a counter"]}
        )

    with (
        stub_upstream(answer) as (url, _),
        running_grafana(replace(own_settings, prometheus_url=url)) as grafana,
    ):
        frames = grafana.result(**INSTANT)["frames"] + grafana.result(**INSTANT)["frames"]
    notices = [{"severity": "warning", "text": "partial"}, {"severity": "info", "text": "not a counter"}]
    assert [frame["schema"]["meta"]["notices"] for frame in frames] == [notices] * 3
    assert frames[2]["schema"]["fields"] == []


def test_a_batch_runs_at_once_and_connections_are_kept(own_settings):
    waiting = []
    everybody = asyncio.Event()

    async def answer(_request):
        waiting.append(1)
        if len(waiting) == 8:
            everybody.set()
        async with asyncio.timeout(5):
            await everybody.wait()
        data = {"resultType": "vector", "result": []}
        return web.json_response({"status": "success", "data": data})

    with (
        stub_upstream(answer) as (url, seen),
        running_grafana(replace(own_settings, prometheus_url=url)) as grafana,
    ):
        assert grafana.query(*[INSTANT] * 8).status_code == 200
        assert grafana.query(*[INSTANT] * 8).status_code == 200
    assert len(seen) == 16
    assert len({port for _, _, port in seen}) == 8


def test_a_port_where_nobody_listens(own_settings):
    settings = replace(own_settings, prometheus_url=f"http://127.0.0.1:{free_port()}/")
    with running_grafana(settings) as grafana:
        assert grafana.query(INSTANT).json()["results"]["A"]["status"] == 502
