"""Game days: which failures were tried, what was proved, and how soon they were noticed and healed."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.models.common import VisibilityMode
from panels import Grid, annotations, chart, dashboard, levels, lines, number
from sources import log_count, log_count_now, log_lines

# Written by chaosext.verification at the end of every run.
_VERDICTS = '{source="chaostoolkit",type="verdict"}'


def build() -> board.Dashboard:
    """Return the dashboard."""
    made = dashboard(
        "game-days", "Game days", "Experiments, their verdicts, their times to detect and to recover."
    ).time("now-24h", "now")
    grid = Grid(made)
    for title, which, colors in (
        ("Runs", "", levels((None, "blue"))),
        ("Verified", ',status="verified"', levels((None, "blue"), (1, "green"))),
        ("Not verified", ',status!="verified"', levels((None, "green"), (1, "red"))),
    ):
        count = f"sum(count_over_time({_VERDICTS[:-1]}{which}}} [$__range])) or vector(0)"
        grid.add(number(title, log_count_now(count), colors).decimals(0), 8, 4)
    for title, field in (
        ("Time to detect", "time_to_detect_seconds"),
        ("Time to recover", "time_to_recover_seconds"),
    ):
        numbers = f'{_VERDICTS} | json | {field}!="" | unwrap {field}'
        query = f"max by (experiment) (max_over_time({numbers} [$__interval]))"
        grid.add(
            chart(title, [log_count(query, "{{experiment}}")], "s").show_points(VisibilityMode.ALWAYS), 12, 9
        )
    grid.add(annotations("Verdicts", ["chaos", "verdict"]), 12, 11)
    grid.add(annotations("Faults", ["chaos", "fault"]), 12, 11)
    events = '{source="chaostoolkit"}'
    grid.add(lines("What the runs did", log_lines(events)), 24, 10)
    return made
