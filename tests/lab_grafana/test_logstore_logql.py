"""LogQL on a store in this process: what is accepted, what is refused, and what comes out."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.grafana.logstore.answers import Answers, Parameters
from lab.grafana.logstore.logql import extract, regex
from lab.grafana.logstore.logql.errors import LogQLError
from lab.grafana.logstore.store import LogStore, label_set

SECOND = 1_000_000_000
BASE = 1_700_000_000 * SECOND


def store_of(*streams):
    """Return a store with streams of (labels, [(seconds after BASE, line)...])."""
    store = LogStore(max_age_seconds=1e10)
    for labels, entries in streams:
        for second, line in entries:
            store.append(label_set(labels.items()), [BASE + int(second * SECOND)], [line])
    return store


def ask(store, kind, **params):
    return getattr(Answers(store), kind)(Parameters({key: [str(value)] for key, value in params.items()}))[
        "data"
    ]


def lines(store, query, **params):
    asked = {"query": query, "start": BASE, "end": BASE + 1000 * SECOND, "limit": 5000, "direction": "forward"}
    rows = [
        row for stream in ask(store, "query_range", **(asked | params))["result"] for row in stream["values"]
    ]
    return [line for _, line in sorted(rows, key=lambda row: int(row[0]))]


def vector(store, query, second=100):
    result = ask(store, "query", query=query, time=BASE + second * SECOND)["result"]
    return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in result}


SHOP = store_of(
    (
        {"service": "payment", "pod": "p1"},
        [
            (1, "level=info msg=request status=200 duration=120ms size=1KB"),
            (2, 'level=error msg="Failed to connect to payment provider" status=502 duration=1.5s size=20KB'),
            (3, "level=warn msg=slow status=200 duration=2m size=300B"),
        ],
    ),
    (
        {"service": "cart", "pod": "c1"},
        [
            (1.5, "level=info msg=added status=201 duration=5ms size=10B n=3"),
            (2.5, '{"level": "error", "http": {"status": 500, "ok": false}, "list": [1], "none": null}'),
        ],
    ),
)


class TestLines:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ('{service="payment"}', ["request", "Failed", "slow"]),
            ('{service=~"pay.*|x"} |= "status=200"', ["request", "slow"]),
            ('{service=~".+", service!="cart"} != "status=200"', ["Failed"]),
            ('{service=~".+", service!~"c.+t"} |~ "F[a-z]+ to"', ["Failed"]),
            ('{service="payment"} |~ "(?i)FAILED|SLOW"', ["Failed", "slow"]),
            ('{service="payment"} !~ "Failed|slow"', ["request"]),
            ('{service="payment"} |= "Failed" or "slow"', ["Failed", "slow"]),
            ('{service="payment"} != "Failed" or "slow"', ["request"]),
            ("{service=`payment`} |= `level=` |= `=200` != `slow`", ["request"]),
            ('{service="payment"} | logfmt | level="error"', ["Failed"]),
            ('{service="payment"} | logfmt | level=~"err.*|warn"', ["Failed", "slow"]),
            ('{service="payment"} | logfmt | level!="info", status<500', ["slow"]),
            ('{service="payment"} | logfmt | status>=500 or duration>1m', ["Failed", "slow"]),
            ('{pod="p1"} | logfmt | (status=200 and duration<=120ms) or size>=20KB', ["request", "Failed"]),
            ('{service="payment"} | logfmt | status!=200 | level="error" |= "provider"', ["Failed"]),
            ('{service="payment"} | logfmt | absent > 1', []),
            ('{service="payment"} | logfmt | absent=""', ["request", "Failed", "slow"]),
            ('{service="payment"} | logfmt | service="payment"', ["request", "Failed", "slow"]),
            ('{service="payment"} # a comment\n|= "slow"', ["slow"]),
        ],
    )  # fmt: skip
    def test_which_lines_a_query_keeps(self, query, expected):
        found = lines(SHOP, query)
        assert len(found) == len(expected), found
        assert all(word in line for word, line in zip(expected, found, strict=True))

    def test_json_is_flattened_and_lists_and_nulls_are_left_out(self):
        query = '{pod="c1"} | json | http_status=500 | __error__=""'
        [stream] = ask(SHOP, "query_range", query=query, start=BASE, end=BASE + 9 * SECOND)["result"]
        assert stream["stream"] == {
            "service": "cart", "pod": "c1", "level": "error", "http_status": "500", "http_ok": "false"
        }  # fmt: skip

    def test_a_line_that_is_no_json_says_so_in_a_label(self):
        [line] = lines(SHOP, '{pod="c1"} | json | __error__="JSONParserErr"')
        assert "added" in line
        [line] = lines(SHOP, '{pod="c1"} | json | __error__=""')
        assert "500" in line

    def test_a_label_of_the_line_does_not_replace_the_streams(self):
        store = store_of(({"level": "stream"}, [(1, "level=line")]))
        [stream] = ask(store, "query_range", query='{level="stream"} | logfmt', start=BASE)["result"]
        assert stream["stream"] == {"level": "stream", "level_extracted": "line"}

    def test_line_format_writes_labels(self):
        query = '{service="payment"} | logfmt | line_format "{{.level}}: {{ .msg }} of {{__line__}}" |= "warn"'
        assert lines(SHOP, query) == ["warn: slow of level=warn msg=slow status=200 duration=2m size=300B"]

    @pytest.mark.parametrize(
        ("direction", "expected"), [("forward", ["request", "Failed"]), ("backward", ["slow", "Failed"])]
    )
    def test_the_limit_keeps_the_first_in_the_direction(self, direction, expected):
        [stream] = ask(
            SHOP, "query_range", query='{service="payment"}', start=BASE, limit=2, direction=direction
        )["result"]
        assert [line.split("msg=")[1].strip('"')[: len(word)] for (_, line), word in
                zip(stream["values"], expected, strict=True)] == expected  # fmt: skip

    def test_start_is_within_and_end_is_not(self):
        window = {"start": BASE + SECOND, "end": BASE + 2 * SECOND}
        assert len(lines(SHOP, '{service="payment"}', **window)) == 1

    def test_a_word_across_two_lines_is_in_neither(self):
        store = store_of(({"a": "b"}, [(1, "an err"), (2, "or so"), (3, "error")]))
        assert lines(store, '{a="b"} |= "error"') == ["error"]
        assert lines(store, '{a="b"} |~ "(?i)(ERROR|xyz)"') == ["error"]

    def test_case_is_folded_in_lines_that_grow_in_lower_case(self):
        store = store_of(({"a": "b"}, [(1, "İİİ fail"), (2, "İ"), (3, "FAIL İ")]))
        assert lines(store, '{a="b"} |~ "(?i)fail"') == ["İİİ fail", "FAIL İ"]


class TestNumbers:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ('sum(count_over_time({service=~".+"}[5m]))', {(): 5}),
            ('sum by (service) (count_over_time({service=~".+"}[5m]))',
             {(("service", "cart"),): 2, (("service", "payment"),): 3}),
            ('count_over_time({service="cart"}[5m] |= "added")', {(("pod", "c1"), ("service", "cart")): 1}),
            ('sum without (pod) (rate({service="cart"}[100s]))', {(("service", "cart"),): 0.02}),
            ('sum by (level) (count_over_time({service="payment"} | logfmt [5m])) > 0',
             {(("level", "error"),): 1, (("level", "info"),): 1, (("level", "warn"),): 1}),
            ('sum(bytes_over_time({pod="p1"} |= "slow" [5m]))', {(): 52}),
            ('sum(bytes_rate({pod="p1"} |= "slow" [52s] offset 50s))', {(): 1}),
            ('sum(sum_over_time({pod="p1"} | logfmt | unwrap status [5m]))', {(): 902}),
            ('max(max_over_time({pod="p1"} | logfmt | unwrap duration(duration) [5m]))', {(): 120}),
            ('min(min_over_time({pod="p1"} | logfmt | unwrap bytes(size) [5m]))', {(): 300}),
            ('avg_over_time({pod="p1"} | logfmt | unwrap status [5m]) by (pod)', {(("pod", "p1"),): 902 / 3}),
            ('avg(count_over_time({service=~".+"}[5m]))', {(): 2.5}),
            ('count(count_over_time({service=~".+"}[5m]))', {(): 2}),
            ('topk(1, sum by (pod) (count_over_time({service=~".+"}[5m])))', {(("pod", "p1"),): 3}),
            ('bottomk(1, sum by (pod) (count_over_time({service=~".+"}[5m])))', {(("pod", "c1"),): 2}),
            ('sum(count_over_time({service="absent"}[5m])) or vector(0)', {(): 0}),
            ('sum(count_over_time({service="cart"}[5m])) or vector(0)', {(): 2}),
            ('sum(count_over_time({service="absent"}[5m]))', {}),
            ('100 * sum(count_over_time({pod="p1"} |= "Failed" [5m])) / sum(count_over_time({pod="p1"}[5m]))',
             {(): 100 / 3}),
            ('2 + 3 * 2 ^ 2 - vector(1) % 2', {(): 13}),
            ('sum(count_over_time({pod="p1"}[5m])) > 3', {}),
            ('sum(count_over_time({pod="p1"}[5m])) > bool 3', {(): 0}),
            ('vector(1) unless vector(2)', {}),
            ('vector(1) and vector(2)', {(): 1}),
            ('vector(-1)', {(): -1}),
        ],
    )  # fmt: skip
    def test_the_value_at_one_moment(self, query, expected):
        assert vector(SHOP, query) == pytest.approx(expected)

    def test_a_window_excludes_its_start_and_includes_its_end(self):
        query = 'sum(count_over_time({pod="p1"}[1s])) or vector(0)'
        assert [vector(SHOP, query, second=at)[()] for at in (0, 1, 2, 4)] == [0, 1, 1, 0]

    def test_a_range_has_a_value_for_each_step_that_has_one(self):
        query = 'sum(count_over_time({pod="p1"}[2s]))'
        found = ask(SHOP, "query_range", query=query, start=BASE, end=BASE + 6 * SECOND, step="1s")
        assert found["resultType"] == "matrix"
        [series] = found["result"]
        assert [(moment - BASE // SECOND, value) for moment, value in series["values"]] == [
            (1, "1"), (2, "2"), (3, "2"), (4, "1")
        ]  # fmt: skip

    def test_numbers_that_cannot_be_read_fail_the_query(self):
        with pytest.raises(LogQLError, match="SampleExtractionErr"):
            vector(SHOP, 'sum(sum_over_time({pod="p1"} | logfmt | unwrap level [5m]))')
        with pytest.raises(LogQLError, match="JSONParserErr"):
            vector(SHOP, 'sum(count_over_time({pod="p1"} | json [5m]))')

    def test_division_by_zero_is_no_number(self):
        [value] = vector(SHOP, "vector(1) / 0").values()
        assert value != value  # noqa: PLR0124 - NaN is the only one that is not itself

    def test_a_scalar_stays_one(self):
        found = ask(SHOP, "query", query="1 + 1", time=BASE)
        assert (found["resultType"], found["result"][1]) == ("scalar", "2")


class TestRefused:
    @pytest.mark.parametrize(
        ("query", "reason"),
        [
            ("{", "parse error at line 1, col 2: syntax error: unexpected $end, expecting IDENTIFIER"),
            ('{a="b"', "unexpected $end, expecting }"),
            ('{a="b"}\n |= ', "parse error at line 2, col 5"),
            ("{a=b}", "expecting STRING"),
            ('{a="b', "literal not terminated"),
            ("{}", "queries require at least one regexp or equality matcher"),
            ('{a=~".*"}', "queries require at least one regexp or equality matcher"),
            ('{a!="b"}', "queries require at least one regexp or equality matcher"),
            ('{a="b"} | pattern "<a>"', "not supported here: pattern"),
            ('{a="b"} | regexp "x"', "not supported here: regexp"),
            ('{a="b"} |> "<_> x"', "not supported here: the pattern filter |>"),
            ('{a="b"} | logfmt --strict', "not supported here: flags and fields of logfmt"),
            ('{a="b"} | json x="y"', "not supported here: flags and fields of json"),
            ('{a="b"} | line_format "{{ upper .x }}"', "not supported here: {{upper .x}}"),
            ('{a="b"} |= ip("10.0.0.1")', "not supported here: ip()"),
            ('quantile_over_time(0.9, {a="b"} | unwrap x [5m])', "not supported here: quantile_over_time"),
            ('stddev(rate({a="b"}[5m]))', "not supported here: stddev"),
            ('sum(rate({a="b"}[5m])) / on (x) sum(rate({a="b"}[5m]))', "not supported here: on"),
            ('rate({a="b"})', "expecting ["),
            ('sum_over_time({a="b"}[5m])', "without unwrap"),
            ('count_over_time({a="b"} | unwrap x [5m])', "with unwrap"),
            ('topk(0, rate({a="b"}[5m]))', "must be greater than 0"),
            ('{a="b"} |~ "("', "error parsing regexp"),
            ('{a="b"} |~ "(?=x)"', "invalid or unsupported Perl syntax: `(?`"),
            (r'{a="b"} |~ "(x)\\1"', "invalid escape sequence"),
            ('{a=~"x++"}', "invalid or unsupported Perl syntax"),
            (r'{a=~"\\pL"}', "not supported here: the character class"),
            ("sum(1)", "needs a vector"),
            ("1 or vector(1)", "logical/set binary operation"),
            ("(" * 5000 + "1" + ")" * 5000, "not supported here: so many brackets"),
            ('{a="' + "x" * 20000 + '"}', "query too long"),
            ('{a="b"}', "log queries are not supported as an instant query type"),
        ],
    )
    def test_an_error_names_what_is_wrong(self, query, reason):
        with pytest.raises(LogQLError) as caught:
            vector(SHOP, query)
        assert reason in str(caught.value)

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            ({"start": "yesterday"}, "could not parse 'start' parameter"),
            ({"limit": 5001}, "max entries limit per query exceeded"),
            ({"limit": 0}, "limit must be a positive value"),
            ({"direction": "up"}, "invalid direction"),
            ({"start": BASE, "end": BASE - 1}, "end timestamp must not be before"),
            ({"step": "soon", "query": "vector(1)"}, 'cannot parse "soon" to a valid duration'),
            (
                {"step": "1ms", "query": "vector(1)", "start": BASE, "end": BASE + 60 * SECOND},
                "maximum resolution",
            ),
            ({"interval": "1s"}, "not supported here: interval"),
        ],
    )
    def test_so_does_one_about_a_parameter(self, params, reason):
        with pytest.raises(LogQLError) as caught:
            ask(SHOP, "query_range", **({"query": '{service="cart"}'} | params))
        assert reason in str(caught.value)

    def test_too_many_series(self):
        store = store_of(({"a": "b"}, [(n / 10, f"n={n}") for n in range(501)]))
        with pytest.raises(LogQLError, match="maximum number of series"):
            vector(store, 'count_over_time({a="b"} | logfmt [5m])')
        assert vector(store, 'sum(count_over_time({a="b"} | logfmt [5m]))') == {(): 501}


class TestRegex:
    @pytest.mark.parametrize(
        ("pattern", "text", "matches"),
        [
            ("a(?i)b|c", "aB", True), ("a(?i)b|c", "C", True), ("a(?i)b|c", "AB", False),
            ("x(a(?i)b)c", "xaBc", True), ("x(a(?i)b)c", "xaBC", False),
            (r"\Qa.b\E.", "a.bx", True), (r"\Qa.b\E.", "axbx", False),
            ("b$", "ab\n", False), ("(?m)b$", "ab\nc", True), (r"b\z", "ab", True),
            ("[[:digit:]]+x", "12x", True), ("[]a]", "]", True), ("[^]]", "]", False), ("[a&&b]", "&", True),
            (r"\d", "٣", False), ("(?P<n>a+)", "aa", True), ("a{2,3}?", "aa", True), ("(?s)a.b", "a\nb", True),
        ],
    )  # fmt: skip
    def test_patterns_mean_what_they_mean_in_re2(self, pattern, text, matches):
        assert bool(regex.compiled(pattern).search(text)) is matches

    def test_words_are_found_without_an_expression(self):
        assert regex.words("(?i)(critical|Error)") == (("critical", "error"), True)
        assert regex.words("too many clients|remaining") == (("too many clients", "remaining"), False)
        for other in ("a.b", "(a|b", "a|b)", "a(b|c)", "^a", "a||b", "(?i)é", ""):
            assert regex.words(other) is None, other


WORDS = st.sampled_from(
    ["error", "ERROR", "er", "ror", "fail", "ok", "level=error", "level=info", 'msg="level=error x"', "level=",
     "n=1", "n=22", "n=x", "=", '"', 'q="a\\"b"', "İ", "a_b=1", "a.b=2", "K", "\\u0065"]
)  # fmt: skip
LINE = st.lists(WORDS, max_size=5).map(" ".join)
STREAMS = st.lists(st.lists(LINE, max_size=12), min_size=1, max_size=3)


# The same examples in every run, however slow the machine is.
THOROUGH = settings(
    max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def stored(streams):
    """Return a store of many small chunks, and (stream, second, line) of all its lines."""
    store = LogStore(max_age_seconds=1e10)
    flat = []
    for number, entries in enumerate(streams):
        for index, line in enumerate(entries):
            second = index * 7
            flat.append((str(number), second, line))
            store.append(label_set({"s": str(number)}.items()), [BASE + second * SECOND], [line])
    return store, flat


FILTERS = {
    '|= "error"': lambda line: "error" in line,
    '!= "ok"': lambda line: "ok" not in line,
    '|= "er" or "fail"': lambda line: "er" in line or "fail" in line,
    '|~ "(?i)(error|fail)"': lambda line: bool(re.search("error|fail", line, re.IGNORECASE | re.ASCII)),
    '|~ "er$|^ok"': lambda line: bool(re.search("er$|^ok", line)),
    '!~ "n=[0-9]+"': lambda line: not re.search("n=[0-9]+", line),
    '| logfmt | level="error"': lambda line: extract.logfmt(line).get("level") == "error",
    '| logfmt | level!="error"': lambda line: extract.logfmt(line).get("level") != "error",
    '| logfmt | a_b="1"': lambda line: extract.logfmt(line).get("a_b") == "1",
}


class TestAgainstANaiveEvaluation:
    @THOROUGH
    @given(STREAMS, st.lists(st.sampled_from(sorted(FILTERS)), max_size=3))
    def test_lines(self, streams, filters):
        store, flat = stored(streams)
        expected = sorted(
            (second, line) for _, second, line in flat if all(FILTERS[one](line) for one in filters)
        )
        found = lines(store, f'{{s=~".+"}} {" ".join(filters)}')
        assert sorted(found) == sorted(line for _, line in expected)

    @THOROUGH
    @given(STREAMS, st.sampled_from(sorted(FILTERS)), st.integers(1, 40), st.integers(0, 100))
    def test_counts_by_label(self, streams, one, width, at):
        store, flat = stored(streams)
        expected = {}
        for stream, second, line in flat:
            if at - width < second <= at and FILTERS[one](line):
                expected[(("s", stream),)] = expected.get((("s", stream),), 0) + 1
        assert (
            vector(store, f'sum by (s) (count_over_time({{s=~".+"}} {one} [{width}s]))', second=at) == expected
        )

    @THOROUGH
    @given(LINE, st.sampled_from(["level", "n", "a_b", "msg", "q", "er"]))
    def test_one_value_of_logfmt_is_what_all_of_it_says(self, line, name):
        assert extract.logfmt_value(line, name) == extract.logfmt(line).get(name)
