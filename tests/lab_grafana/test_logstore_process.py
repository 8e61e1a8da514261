"""The log store as the lab runs it: a process that reads log files and answers over HTTP."""

import gzip
import json
import signal
import time

import pytest
import requests

from lab.grafana.logstore.rules import RuleError, load

from .conftest import RULE_FILE, running_log_store, wait_until

ERROR_RULES = {
    "ProductDBErrors": "product-data",
    "SessionDBErrors": "session-data",
    "CartDBErrors": "cart-data",
}


def write(log, *lines):
    log.write("stdout", [(line.encode(), True) for line in lines])


class TestQueries:
    def test_lines_come_with_their_pods_labels(self, log_store):
        log = log_store.log("labelled")
        write(log, "level=info msg=hello", "level=error msg=ouch")
        log.close()
        wait_until(lambda: len(log_store.lines('{service="labelled"}')) == 2, "both lines are in the store")
        [stream] = log_store.get("loki/api/v1/query_range", query='{service="labelled"} |= "ouch"').json()[
            "data"
        ]["result"]
        assert stream["stream"] == {
            "cluster": "lab",
            "namespace": "ecommerce",
            "pod": "labelled-1",
            "container": "labelled",
            "service": "labelled",
        }
        [[moment, line]] = stream["values"]
        assert line == "level=error msg=ouch"
        assert abs(int(moment) / 1e9 - time.time()) < 60

    def test_names_values_series_and_statistics(self, log_store):
        now = time.time_ns()
        log_store.push({"job": "meta", "kind": "one"}, (now, "four"), (now, "five"))
        log_store.push({"job": "meta", "kind": "two"}, (now, "three"))
        get = log_store.get
        query = '{job="meta"}'
        assert get("loki/api/v1/labels", query=query).json() == {"status": "success", "data": ["job", "kind"]}
        assert get("loki/api/v1/label/kind/values", query=query).json()["data"] == ["one", "two"]
        assert {"job", "kind"} <= set(get("loki/api/v1/labels").json()["data"])
        assert get("loki/api/v1/label/absent/values").json() == {"status": "success"}
        series = get("loki/api/v1/series", **{"match[]": ['{kind="one",job="meta"}', '{job="none"}']}).json()
        assert series == {"status": "success", "data": [{"job": "meta", "kind": "one"}]}
        assert get("loki/api/v1/index/stats", query=query).json() == {
            "streams": 2, "chunks": 2, "entries": 3, "bytes": 13
        }  # fmt: skip
        old = {"start": now - 7200 * 10**9, "end": now - 3600 * 10**9}
        assert get("loki/api/v1/labels", query=query, **old).json() == {"status": "success"}

    def test_a_query_may_be_posted(self, log_store):
        log_store.push({"job": "posted"}, (time.time_ns(), "line"))
        form = {"query": 'sum(count_over_time({job="posted"}[5m]))'}
        answer = requests.post(f"{log_store.url}/loki/api/v1/query", data=form, timeout=10)
        assert answer.json()["data"]["result"][0]["value"][1] == "1"

    def test_errors_are_plain_text(self, log_store):
        answer = log_store.get("loki/api/v1/query_range", query='{a="b"} | pattern "<x>"')
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.text == "parse error at line 1, col 11: not supported here: pattern"
        assert log_store.get("loki/api/v1/tail").status_code == 404

    def test_a_pattern_without_end_is_given_up_and_others_are_served(self, tmp_path):
        with running_log_store(tmp_path, "--query-seconds=1") as store:
            now = time.time_ns()
            store.push({"job": "endless"}, *((now + index, "a" * 60 + "!") for index in range(3)))
            answer = store.get("loki/api/v1/query_range", query='{job="endless"} |~ "(a|aa|a+)+$"')
            assert answer.status_code == 504
            assert "timed out" in answer.text
            asked = {"query": '{job="endless"}'}
            wait_until(lambda: store.get("loki/api/v1/query_range", **asked).ok, "the next query is answered")


class TestPush:
    def test_what_logging_loki_sends(self, log_store):
        """As chaostoolkit-grafana's control does: one line a request, run events as labels."""
        log_store.push(
            {"source": "chaostoolkit", "type": "experiment-started"}, (time.time_ns(), "Experiment started")
        )
        assert log_store.lines('{source="chaostoolkit"}') == ["Experiment started"]

    def test_lines_may_be_compressed_and_carry_structured_metadata(self, log_store):
        now = time.time_ns()
        body = {
            "streams": [{"stream": {"job": "zipped"}, "values": [[str(now), "line\nof two", {"trace": "1"}]]}]
        }
        answer = requests.post(
            f"{log_store.url}/loki/api/v1/push",
            data=gzip.compress(json.dumps(body).encode()),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            timeout=10,
        )
        assert answer.status_code == 204
        assert log_store.lines('{job="zipped"}') == ["line\nof two"]

    @pytest.mark.parametrize(
        ("body", "headers", "status", "reason"),
        [
            (b"x", {"Content-Type": "application/x-protobuf"}, 415, "not supported here: protobuf"),
            (b"x", {"Content-Type": "text/plain"}, 415, "the content type 'text/plain'"),
            (b"{", {}, 400, "couldn't parse push request"),
            (b'{"streams": 1}', {}, 400, "couldn't parse push request"),
            (b'{"streams": [{"stream": {"a": 1}, "values": []}]}', {}, 400, "no string"),
            (b'{"streams": [{"stream": {}, "values": [["1", "x"]]}]}', {}, 400, "at least one label pair"),
            (b'{"streams": [{"stream": {"a": "b"}, "values": [["9%018d", "x"]]}]}' % 0, {}, 400, "too new"),
            (b'{"streams": [{"stream": {"a": "b"}, "values": [["1", "x"]]}]}', {}, 400, "too old"),
            (b"\x1f\x8b\x08", {"Content-Encoding": "gzip"}, 400, "couldn't parse push request"),
            (gzip.compress(b" " * 5_000_000), {"Content-Encoding": "gzip"}, 413, "more than"),
            (b"x", {"Content-Encoding": "snappy"}, 400, 'Content-Encoding "snappy" not supported'),
            (b" " * 5_000_000, {}, 413, "too large"),
        ],
    )  # fmt: skip
    def test_what_is_refused_and_why(self, log_store, body, headers, status, reason):
        answer = requests.post(
            f"{log_store.url}/loki/api/v1/push",
            data=body,
            headers={"Content-Type": "application/json"} | headers,
            timeout=10,
        )
        assert (answer.status_code, reason in answer.text) == (status, True), answer.text


class TestRecordedCounts:
    def test_they_are_zero_when_nothing_matches_and_count_what_does(self, own_log_store):
        store = own_log_store
        wait_until(lambda: store.metric("ProductDBErrors") == 0, "the first evaluation")
        shown = store.get("metrics").text
        for name, service in ERROR_RULES.items():
            assert f'{name}{{service="{service}"}} 0' in shown
        log = store.log("product-data", pod="product-data-1")
        write(log, "LOG: ready", "FATAL: sorry, too many clients already", "ERROR: an Error", "nothing")
        wait_until(lambda: store.metric("ProductDBErrors") == 2, "both lines are counted")
        # The pod's end takes nothing away, and its successor adds to the same series.
        log.close()
        store.logs.gone(store.logs.pod("ecommerce", "product-data-1", "uid-of-product-data-1"))
        log = store.log("product-data", pod="product-data-2")
        write(log, "an exception")
        log.close()
        wait_until(lambda: store.metric("ProductDBErrors") == 3, "the successor's line is counted")
        assert store.metric("SessionDBErrors") == 0

    def test_a_replica_counts_with_its_primary(self, own_log_store):
        for service in ("session-data", "session-data-replica", "cart-data-replica"):
            log = own_log_store.log(service)
            write(log, "# Fatal error, can't open config file", "* Ready to accept connections")
            log.close()
        wait_until(lambda: own_log_store.metric("SessionDBErrors") == 2, "primary and replica")
        wait_until(lambda: own_log_store.metric("CartDBErrors") == 1, "the cart's replica")

    def test_a_rule_counts_over_the_labs_window_where_the_file_says_its_interval(self, own_log_store):
        labels = {"namespace": "ecommerce", "container": "product-data"}
        now = time.time_ns()
        own_log_store.push(labels, (now - 610 * 10**9, "error"), (now - 1, "error"))
        wait_until(lambda: own_log_store.metric("ProductDBErrors") == 1, "only what is within 600 s")
        [group] = own_log_store.get("prometheus/api/v1/rules").json()["data"]["groups"]
        assert (group["name"], group["interval"]) == ("data-stores", 30)
        assert {rule["name"] for rule in group["rules"]} == ERROR_RULES.keys()
        assert all(rule["health"] == "ok" and "[30s]" in rule["query"] for rule in group["rules"])

    def test_a_file_that_is_no_rule_file_is_named(self, tmp_path):
        bad = tmp_path / "rules.yaml"
        text = RULE_FILE.read_text()
        for what, reason in (
            ("[]", "no file of Loki's recording rules"),
            (text.replace("sum(count", "sum(quantile", 1), "rule ProductDBErrors: parse error"),
            (
                text.replace("record: ProductDBErrors", "record: Product DB"),
                "'Product DB' is no name of a metric",
            ),
        ):
            bad.write_text(what)
            with pytest.raises(RuleError, match=reason) as caught:
                load(bad, 10)
            assert str(bad) in str(caught.value)


class TestLife:
    def test_a_burst_drops_the_oldest_lines_and_counts_them(self, tmp_path):
        with running_log_store(tmp_path / "pod-logs", "--max-bytes=2000000") as store:
            log = store.log("burst")
            for start in range(0, 40_000, 1000):
                write(log, *(f"n={number} {'x' * 60}" for number in range(start, start + 1000)))
            log.close()
            wait_until(lambda: store.metric("lab_loki_lines_total") == 40_000, "every line was read")
            [newest] = store.lines('{service="burst"}', direction="backward", limit=1)
            assert newest.startswith("n=39999 ")
            dropped = store.metric('lab_loki_dropped_lines_total{reason="room"}')
            count = store.get("loki/api/v1/query", query='sum(count_over_time({service="burst"}[1h]))').json()
            assert int(count["data"]["result"][0]["value"][1]) == 40_000 - dropped
            assert 0 < dropped < 40_000
            assert store.metric("lab_loki_store_bytes") <= 2_000_000

    def test_one_that_was_killed_reads_the_logs_again(self, own_log_store):
        store = own_log_store
        log = store.log("again")
        write(log, "before")
        wait_until(lambda: store.lines('{service="again"}') == ["before"], "the line is in the store")
        store.stop(signal.SIGKILL)
        write(log, "meanwhile")
        log.close()
        store.start()
        wait_until(lambda: store.lines('{service="again"}') == ["before", "meanwhile"], "both lines are there")
