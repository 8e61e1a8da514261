"""The viewer of dashboards: what its pages show of a dashboard's file, and to whom."""

import html
import json
import re
import time
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
import requests

from .boards import BOARD, instant, panel
from .conftest import TOKEN, running_grafana


@pytest.fixture(scope="session")
def viewer(settings, tmp_path_factory):
    """A stand-in whose dashboards are the tests' own."""
    folder = tmp_path_factory.mktemp("dashboards")
    (folder / "every-type.json").write_text(json.dumps(BOARD))
    state = tmp_path_factory.mktemp("viewer-state")
    shop = "http://127.0.0.1:30080"
    with running_grafana(replace(settings, dashboards_dir=folder, state_dir=state, shop_url=shop)) as client:
        yield client


def look(client, path, **headers):
    return requests.get(client.url + path, headers=headers, timeout=20)


def page(client, path="/d/every-type"):
    answer = look(client, path)
    assert answer.status_code == 200, answer.text
    return answer.text


def part(text, number):
    """Return one panel's HTML."""
    return re.search(rf'<section id="panel-{number}" .*?</section>', text, re.DOTALL)[0]


def words(markup):
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", markup).split()))


def test_the_first_page_lists_the_dashboards_and_says_what_it_is(viewer):
    text = page(viewer, "/")
    assert "not Grafana" in text
    assert 'href="/d/every-type/every-type"' in text
    assert 'href="http://127.0.0.1:30080"' in text
    assert "✓ Prometheus" in text
    assert "✕ DemoAlwaysFires" in text


@pytest.mark.parametrize(
    ("asked", "shown", "tone"),
    [("var-kind=one", "1", "good"), ("var-kind=two", "2.5", "bad"), ("", "1", "good")],
)
def test_a_stat_shows_its_value_and_its_threshold_s_tone_and_sign(viewer, asked, shown, tone):
    stat = part(page(viewer, f"/d/every-type/every-type?{asked}"), 0)
    assert f'data-tone="{tone}"' in stat
    sign = {"good": "✓", "bad": "✕"}[tone]
    kind = asked.removeprefix("var-kind=") or "one"
    assert words(stat) == f"Gauge of {kind} {sign} {shown}"


def test_a_chart_has_a_line_for_each_series_and_their_last_values(viewer):
    chart = part(page(viewer), 1)
    assert chart.count('class="line hue-') == 2
    assert {"one 1", "two 2.5"} <= set(re.findall(r"(?:one|two) [\d.]+", words(chart)))
    assert 'aria-label="Gauges over time, now: one 1; two 2.5"' in chart


def test_a_table_has_a_column_for_each_label_and_the_value(viewer):
    table = part(page(viewer), 2)
    assert re.findall(r"<th [^>]*>(.*?)</th>", table) == [
        "Time",
        "__name__",
        "instance",
        "job",
        "kind",
        "Value",
    ]
    assert [words(row).split()[-2:] for row in table.split("<tr>")[2:]] == [["one", "1"], ["two", "2.5"]]


def test_a_canvas_colours_its_boxes_by_their_fields_and_links_them(viewer):
    canvas = part(page(viewer, "/d/every-type?from=now-2m&to=now"), 3)
    tones = dict(re.findall(r'data-name="(\w+)" data-tone="(\w+)" data-field', canvas))
    assert tones == {"Web": "good", "Data": "bad", "Lost": "none"}
    assert 'href="/d/detail/detail?var-kind=one&amp;from=now-2m&amp;to=now" aria-label="Web, well"' in canvas
    assert "Web: well; Data: failing; Lost: no data" in canvas
    assert re.findall(r'class="sign"[^>]*>(.) </tspan>(\w+)', canvas) == [
        ("✓", "Web"),
        ("✕", "Data"),
        ("?", "Lost"),
    ]
    assert canvas.count('class="connection"') == 1
    # The number on the red box has that box's text colour, as it has no ground of its own.
    assert re.search(r'class="element bad" data-name="number"', canvas)


def test_log_lines_come_newest_first_with_their_level(viewer, log_store):
    now = time.time_ns()
    lines = [
        (now - 3_000_000_000, "level=info msg=paid"),
        (now - 1_000_000_000, "level=error traceID=ab12 msg=<b>"),
    ]
    stream = {"stream": {"service": "payment"}, "values": [[str(at), line] for at, line in lines]}
    pushed = viewer.post("/api/datasources/proxy/uid/loki/loki/api/v1/push", {"streams": [stream]})
    assert pushed.status_code == 204, pushed.text
    logs = part(page(viewer, "/d/every-type?from=now-5m"), 4)
    texts = re.findall(r"<code>(.*?)</code>", logs)
    assert texts[:2] == ["level=error traceID=ab12 msg=&lt;b&gt;", "level=info msg=paid"]
    assert '<span class="level bad">error</span>' in logs


def test_annotations_are_listed_and_shade_the_charts(viewer):
    now = time.time_ns() // 1_000_000
    given = {"time": now - 30_000, "timeEnd": now - 10_000, "text": "Fault of x", "tags": ["fault", "chaos"]}
    assert viewer.post("/api/annotations", given).status_code == 200
    text = page(viewer, "/d/every-type?from=now-3m")
    assert words(part(text, 5)).endswith("Fault of x for 20 s fault chaos")
    assert 'class="band fault"' in part(text, 1)
    assert "End of: Fault of x" in part(text, 1)


def test_a_text_panel_is_escaped_and_follows_no_script(viewer):
    text = part(page(viewer), 6)
    assert "<strong>one</strong> &lt;b&gt;x&lt;/b&gt; d" in text
    assert "javascript" not in text


def test_what_is_wrong_or_unknown_is_one_line_in_its_panel(viewer):
    text = page(viewer)
    assert "A: bad_data: " in words(part(text, 8))
    assert "Panels of type 'piechart' are not supported by this viewer." in words(part(text, 9))


def test_headings_of_panels_below_a_row_are_one_level_deeper(viewer):
    text = page(viewer)
    assert '<h2 class="row">A row</h2>' in text
    assert ["<h2" in part(text, n) for n in (0, 8)] == [True, False]


def test_without_a_script_a_page_with_news_reloads_every_two_seconds(viewer):
    again = '<noscript><meta http-equiv="refresh" content="2"></noscript>'
    assert again in page(viewer, "/")
    assert again in page(viewer, "/d/every-type")
    now = time.time_ns() // 1_000_000
    assert again not in page(viewer, f"/d/every-type?from={now - 60_000}&to={now}")


def test_the_script_s_fragment_holds_the_same_panels(viewer):
    fragment = page(viewer, "/viewer/panels/every-type?var-kind=two")
    assert re.findall(r'id="(panel-\d+)"', fragment) == re.findall(
        r'id="(panel-\d+)"', page(viewer, "/d/every-type?var-kind=two")
    )
    assert "<html" not in fragment


def test_a_fixed_time_range_is_not_fetched_again(viewer):
    now = time.time_ns() // 1_000_000
    assert "data-live" not in page(viewer, f"/d/every-type?from={now - 60_000}&to={now}")
    assert 'data-live="/viewer/panels/every-type?var-kind=two"' in page(viewer, "/d/every-type?var-kind=two")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/", "/d/every-type", "/trace/ab", "/viewer/home", "/viewer/live.js"])
def test_another_name_than_this_machine_s_is_refused(viewer, host, path):
    answer = look(viewer, path, Host=host)
    assert (answer.status_code, "localhost only" in answer.text) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "localhost:4000", "127.0.0.1:1", "[::1]:3000"])
def test_names_of_this_machine_are_let_in(viewer, host):
    assert look(viewer, "/viewer/icon.svg", Host=host).status_code == 200


@pytest.mark.parametrize("path", ["/", "/d/every-type", "/d/nothing", "/trace/x!", "/viewer/style.css"])
def test_every_answer_forbids_what_the_pages_do_not_need(viewer, path):
    headers = look(viewer, path).headers
    assert headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; script-src 'self'"
    )
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_pages_hold_no_inline_style_or_script_and_no_secret(viewer):
    for path in ("/", "/d/every-type", "/explore"):
        text = page(viewer, path)
        assert not re.search(r"\sstyle=|<style|\son\w+=", text)
        assert re.findall(r"<script[^>]*>[^<]*", text) == ['<script src="/viewer/live.js" defer>']
        assert TOKEN not in text


def test_the_viewer_opens_no_way_into_the_api(viewer):
    for path in ("/d/../api/org", "/viewer/../api/org", "/d/%2e%2e/api/org", "/viewer/panels/../../api/org"):
        asked = requests.Request("GET", viewer.url).prepare()
        asked.url = viewer.url + path
        with requests.Session() as session:
            assert session.send(asked, timeout=5).status_code in {401, 404}, path
    assert requests.post(f"{viewer.url}/d/every-type", timeout=5).status_code in {401, 404}


def test_a_dashboard_that_is_not_there_and_a_time_that_is_none_are_said(viewer):
    missing, wrong = look(viewer, "/d/nothing"), look(viewer, "/d/every-type?from=yesterday")
    assert (missing.status_code, "There is no dashboard 'nothing'" in html.unescape(missing.text)) == (
        404,
        True,
    )
    assert (wrong.status_code, "invalid time range: from is" in wrong.text) == (400, True)


def test_a_value_of_the_address_cannot_leave_its_query(viewer):
    for value in ('one"} or vector(9) or demo_gauge{kind="one', "$kind", "a\\b"):
        stat = part(page(viewer, f"/d/every-type?{urlencode({'var-kind': value})}"), 0)
        assert words(stat) == "Gauge of one ✓ 1"


def test_a_changed_file_is_read_again_and_a_broken_one_is_named(settings, tmp_path):
    folder = tmp_path / "boards"
    folder.mkdir()
    file = folder / "x.json"
    own = replace(settings, dashboards_dir=folder, state_dir=tmp_path / "state")
    with running_grafana(own) as client:
        assert "There is no file in dashboards/" in page(client, "/")
        board = {"uid": "x", "title": "Before", "panels": [panel(1, "stat", "s", instant("vector(3)"))]}
        board["panels"][0]["datasource"] = {"type": "prometheus", "uid": "prometheus"}
        file.write_text(json.dumps(board))
        assert "Before" in page(client, "/")
        assert "✕ 3" in words(page(client, "/d/x"))
        file.write_text(json.dumps(board | {"title": "After it"}))
        assert "After it" in page(client, "/d/x")
        file.write_text("{")
        assert "x.json: JSONDecodeError" in page(client, "/")


def test_links_into_explore_show_the_lines_that_they_ask_for(viewer):
    query = {"refId": "A", "expr": '{service="payment"}', "datasource": {"type": "loki", "uid": "loki"}}
    panes = {"a": {"datasource": "loki", "queries": [query], "range": {"from": "now-1h", "to": "now"}}}
    text = page(viewer, f"/explore?schemaVersion=1&panes={quote(json.dumps(panes))}")
    assert "{service=&quot;payment&quot;}" in text or '{service="payment"}' in text
    wrong = look(viewer, "/explore?panes=x")
    assert (wrong.status_code, "no JSON" in wrong.text) == (400, True)
