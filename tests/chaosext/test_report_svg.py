"""Plots and diagrams, whatever they show."""

import ast
import itertools
import math
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chaosext.report.svg as package
from chaosext.report.svg.diagram import Box, diagram
from chaosext.report.svg.markup import clean, join, tag
from chaosext.report.svg.plot import Band, Limit, Mark, Plot, draw, spark
from chaosext.report.svg.points import gaps, line_path, thin
from chaosext.report.svg.scale import clock, count_axis, ratio_axis, time_ticks
from chaosext.report.svg.strip import strip
from chaosext.report.svg.style import DARK, LIGHT


def parse(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - it was made here


def test_only_what_tag_returns_is_markup():
    assert tag("p", "<b>", tag("i", "&"), None, [1, 2.50], class_="a", title='"x"', hidden=True, id=None) == (
        '<p class="a" title="&quot;x&quot;" hidden>&lt;b&gt;<i>&amp;</i>12.5</p>'
    )
    assert join("a\x00b\x1b") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_any_text_makes_well_formed_xml_and_comes_back(text):
    parsed = parse(tag("text", text, title=text))
    said = clean(text)
    # XML itself turns carriage returns into line feeds.
    assert (parsed.text or "") == said.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("values", [[], [1.0], [0.999], [0.5, 0.97], [0.0, 1.0], [0.9499]])
def test_a_ratio_s_axis_holds_its_values_and_ends_at_100_percent(values):
    axis = ratio_axis(values)
    assert (axis.high, axis.ticks[0][1]) == (1.0, "100%")
    assert 0 <= axis.low <= min([0.9, *values])
    assert 2 <= len(axis.ticks) <= 6
    assert axis.ticks[-1][0] == pytest.approx(axis.low)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1e9)))
def test_a_count_s_axis_starts_at_0_with_whole_ticks(values):
    axis = count_axis(values)
    assert axis.low == 0
    assert axis.high >= max([1, *values]) * (1 - 1e-6)
    assert 2 <= len(axis.ticks) <= 6
    assert all(value == round(value, 6) for value, _ in axis.ticks)


@pytest.mark.parametrize("seconds", [0.5, 1, 59, 61, 600, 3600, 86400, 10 * 86400])
def test_time_ticks_are_few_and_round(seconds):
    ticks = time_ticks(seconds)
    assert ticks[0] == (0, "0:00")
    assert len(ticks) <= 10
    assert ticks[-1][0] <= seconds
    assert len({b[0] - a[0] for a, b in itertools.pairwise(ticks)}) <= 1


def test_a_clock_shows_hours_only_when_there_are_any():
    assert [clock(s) for s in (0, 61, 3599, 3600, 7325)] == ["0:00", "1:01", "59:59", "1:00:00", "2:02:05"]


def test_thinning_keeps_extremes_ends_and_gaps():
    values = [0.99 + random.Random(7).random() / 100 for _ in range(5000)]  # noqa: S311 - no secret
    values[1234], values[3210], values[4000] = 0.1, 1.9, None
    points = [(float(at), value) for at, value in enumerate(values)]
    kept = thin(points, 100)
    assert len(kept) <= 500
    assert {points[0], points[1234], points[3210], points[4000], points[-1]} <= set(kept)
    assert [at for at, _ in kept] == sorted({at for at, _ in kept})
    assert thin(points[:100], 100) == points[:100]


def test_gaps_last_from_the_last_value_to_the_next():
    points = [(0.0, 1.0), (1.0, None), (2.0, None), (3.0, 1.0), (4.0, None)]
    assert gaps(points, 6) == [(0.0, 3.0), (3.0, 6)]
    assert gaps([(0.0, None), (5.0, 1.0)], 6) == [(0.0, 5.0)]


def test_a_path_leaves_out_what_says_nothing_and_lifts_its_pen():
    flat = [(float(x), 10.0) for x in range(100)]
    assert line_path(flat) == "M0 10h99"
    assert line_path([(0, 0), (1, 5), None, (7, 7)]) == "M0 0l1 5M7 7h0"


def plot(**changes):
    fields = {
        "label": "An <SLI> over time",
        "points": [(0.0, 1.0), (1.0, 0.5), (2.0, None), (3.0, 1.0)],
        "seconds": 3.0,
        "axis": ratio_axis([0.5]),
        "bands": [Band(0, 1, "baseline"), Band(1, 3, "fault")],
        "marks": [Mark(2, "firing", "it fires"), Mark(99, "firing", "beyond the end")],
        "limit": Limit(0.95, True, "tolerance"),
    }
    return parse(draw(Plot(**(fields | changes))))


def test_a_plot_has_its_parts_and_a_text_alternative():
    svg = plot()
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "An <SLI> over time")
    kinds = [e.get("class") for e in svg.iter()]
    for kind in ("band baseline", "band fault", "gap", "limit", "bad-side", "grid", "line", "mark firing"):
        assert kind in kinds
    assert kinds.count("mark firing") == 1
    assert next(e.text for e in svg.iter("text") if e.get("class") == "y") == "100%"


@pytest.mark.parametrize("points", [[], [(0.0, None)], [(0.0, 1.0)], [(0.0, 2.0), (0.0, -1.0)]])
def test_a_plot_of_little_is_still_one(points):
    assert plot(points=points, seconds=0.0, limit=None).get("class") == "plot"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.none() | st.floats(-1e9, 1e9)), max_size=50))
def test_no_number_in_a_plot_is_outside_of_it(points):
    svg = plot(points=sorted(points, key=lambda p: p[0]), seconds=1e6)
    shares = [
        float(value.rstrip("%"))
        for element in svg.iter()
        for key, value in element.attrib.items()
        if key in {"x", "x1", "y", "y1", "width"} and value.endswith("%")
    ]
    assert all(math.isfinite(share) and 0 <= share <= 100 for share in shares)


def test_a_spark_ends_in_a_dot_and_bears_gaps():
    svg = parse(spark([1.0, None, 3.0], "three runs"))
    assert [e.get("class") for e in svg.iter("circle")] == ["newest"]
    assert parse(spark([], "none")).get("aria-label") == "none"


def test_numbers_of_a_strip_do_not_cover_each_other():
    marks = [Mark(at, "phase", f"mark {at}") for at in (0.0, 0.1, 0.2, 50.0, 50.1)]
    svg = parse(strip([(Band(0, 100, "fault"), "Fault")], marks, 100, "a strip"))
    circles = [(float(c.get("cx").rstrip("%")), float(c.get("cy"))) for c in svg.iter("circle")]
    assert len(circles) == 5
    for n, (x, y) in enumerate(circles):
        assert all(abs(x - a) >= 6 or abs(y - b) >= 18 for a, b in circles[:n])


def test_a_diagram_draws_every_box_and_every_call_between_them():
    boxes = [
        Box("a", "A <b>", 0, 0, "users"),
        Box("b", "B", 1, 0.5, state="bad", lines=("✕ out", "x 1%"), href="http://g/d/x?a=1&b=2"),
        Box("c", "C", 2, 0, "store", "good"),
    ]
    svg = parse(diagram(boxes, [("a", "b"), ("b", "c"), ("c", "a"), ("a", "nobody")], "the system"))
    assert [e.text for e in svg.iter("text") if e.get("class") == "name"] == ["A <b>", "B", "C"]
    edges = [e.get("class") for e in svg.iter("path") if "edge" in (e.get("class") or "")]
    assert edges == ["edge", "edge", "edge backwards"]
    assert [a.get("href") for a in svg.iter("a")] == ["http://g/d/x?a=1&b=2"]


def test_it_knows_nothing_but_itself():
    """Whoever draws something else uses it as it is."""
    for file in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, f"{file.name} imports from above: {ast.unparse(node)}"
                assert node.level == 1 or not (node.module or "").startswith("chaosext")


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.1."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_strokes_can_be_seen(colours):
    text = [("ink", g) for g in ("ground", "card", "good-ground", "bad-ground", "warn-ground", "none-ground")]
    text += [("ink", g) for g in ("baseline", "fault", "recovery")]
    text += [("bad", "card")]
    text += [("soft", "ground"), ("soft", "card"), ("accent", "card"), ("accent", "ground")]
    text += [(tone, f"{tone}-ground") for tone in ("good", "bad", "warn", "none")]
    text += [("card", number) for number in ("ink", "soft", "pending", "firing", "landed", "good")]
    for front, ground in text:
        assert contrast(colours[front], colours[ground]) >= 4.5, (front, ground)
    strokes = [(s, g) for s in ("accent", "bad", "landed", "pending", "firing") for g in ("card", "baseline")]
    strokes += [(s, g) for s in ("accent", "bad", "landed", "pending") for g in ("fault", "recovery")]
    strokes += [(hue, g) for hue in colours if hue.startswith("hue-") for g in ("card", "bad-ground")]
    for front, ground in strokes:
        assert contrast(colours[front], colours[ground]) >= 3, (front, ground)
