"""The drawing of a trace, whatever traced it."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosext.report.svg.scale import duration, duration_ticks
from chaosext.report.svg.style import HUES
from chaosext.report.svg.waterfall import MOST_SPANS, WaterfallSpan, waterfall


def drawn(spans, left_out=0):
    return ET.fromstring(waterfall(spans, "a <trace>", left_out))  # noqa: S314 - it was made here


def items(svg):
    return [g for g in svg.iter("g") if g.get("role") == "listitem"]


def bars(svg):
    return [r for r in svg.iter("rect") if r.get("class") == "bar-of-span"]


def share(rect, name):
    return float(rect.get(name).rstrip("%"))


TREE = [
    WaterfallSpan("web", "POST /pay", 100.0, 1000.0, failed=True),
    WaterfallSpan("payment", "POST /process", 350.0, 500.0, 1, True, "Error: <no> way", blamed=True),
    WaterfallSpan("web", "HGETALL", 1050.0, 50.0, 1, detail="HGETALL\n  ?"),
]


def test_each_span_lies_where_it_was_in_time():
    svg = drawn(TREE)
    assert [(share(b, "x"), share(b, "width")) for b in bars(svg)] == [(0, 100), (25, 50), (95, 5)]
    tops = [float(b.get("y")) for b in bars(svg)]
    assert tops == sorted(tops)
    assert tops[-1] < float(svg.get("height"))
    assert [t.text for t in svg.iter("text") if t.get("class") == "took"] == ["1 s", "500 ms", "50 ms"]


def test_it_can_be_read_without_seeing_it_and_without_its_colours():
    svg = drawn(TREE)
    assert (svg.get("role"), svg.get("aria-label"), svg.find("title").text) == (
        "list",
        "a <trace>",
        "a <trace>",
    )
    assert [g.get("aria-label") for g in items(svg)] == [
        "web POST /pay, 1 s from 0 ms on, failed",
        "payment POST /process, 500 ms from 250 ms on, failed: Error: <no> way",
        "web HGETALL, 50 ms from 950 ms on: HGETALL ?",
    ]
    signs = [any(t.get("class") == "sign" for t in g.iter("tspan")) for g in items(svg)]
    assert signs == [True, True, False]
    assert ["blamed" in g.get("class") for g in items(svg)] == [False, True, False]


def test_a_service_keeps_its_colour_and_colours_come_round():
    services = [*(f"s{n}" for n in range(HUES)), "s0", "one-more"]
    svg = drawn([WaterfallSpan(name, "GET", 0.0, 1.0) for name in services])
    hues = [g.get("class").split()[1] for g in items(svg)]
    assert len(set(hues)) == HUES
    assert hues[0] == hues[HUES] == hues[-1]


def test_of_many_spans_those_that_failed_stay_in_their_order():
    spans = [WaterfallSpan("web", str(n), float(n), 1.0, depth=min(n, 40)) for n in range(200)]
    spans[150] = WaterfallSpan("web", "failed", 150.0, 1.0, depth=40, failed=True)
    spans[199] = WaterfallSpan("web", "blamed", 199.0, 1.0, depth=41, failed=True, blamed=True)
    svg = drawn(spans, left_out=3)
    *kept, more = items(svg)
    assert len(kept) == MOST_SPANS
    assert [g.get("aria-label").split(",")[0] for g in kept[-2:]] == ["web failed", "web blamed"]
    assert kept[0].get("aria-label").startswith("web 0,")
    assert more.get("aria-label") == "143 more spans are not drawn"
    assert items(drawn(TREE, 1))[-1].get("aria-label") == "1 more span is not drawn"


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.builds(
            WaterfallSpan,
            st.text(max_size=5),
            st.text(max_size=5),
            st.floats(-1e12, 1e12),
            st.floats(0, 1e9),
            st.integers(0, 99),
            st.booleans(),
            st.text(max_size=5),
        ),
        max_size=70,
    )
)
def test_no_bar_is_outside_of_the_drawing(spans):
    for bar in bars(drawn(spans)):
        left, width = share(bar, "x"), share(bar, "width")
        assert math.isfinite(left)
        assert 0 <= left <= left + width <= 100.011  # two decimals each
        assert width > 0


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0, "0 ms"),
        (0.004, "0 ms"),
        (0.45, "0.45 ms"),
        (119.6, "120 ms"),
        (2500, "2.5 s"),
        (4_000_000, "4000 s"),
    ],
)
def test_a_duration_has_three_digits_and_a_unit(milliseconds, said):
    assert duration(milliseconds) == said


@pytest.mark.parametrize("whole", [0.02, 1, 7.3, 921.2, 1339.8, 46_367])
def test_duration_ticks_are_few_round_and_within(whole):
    ticks = duration_ticks(whole)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == (0, "0 ms")
    assert ticks[-1][0] <= whole * (1 + 1e-6)
    assert len({said for _, said in ticks}) == len(ticks)
