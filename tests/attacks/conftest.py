"""The site that the attacks happen on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from .proxy import Loop
from .site import Site
from .table import ROW, markdown


@pytest.fixture(scope="session")
def site(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The lab behind proxies, and an experiment on it with short windows."""
    loop = Loop()
    try:
        site = Site(tmp_path_factory.mktemp("attacks"), lab, loop)
        yield site
        site.close()
    finally:
        loop.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of what became of each attack."""
    rows = [
        replace(row, passed=report.passed)
        for reports in ("passed", "failed")
        for report in terminalreporter.stats.get(reports, [])
        if report.when == "call"
        for name, row in report.user_properties
        if name == ROW
    ]
    if rows:
        terminalreporter.write_sep("=", "attacks")
        terminalreporter.write_line(markdown(rows))
