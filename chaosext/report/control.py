"""The report control: writes report.md from verification.json and prints the summary, after all other hooks.

    "controls": [{"name": "report", "provider": {"type": "python", "module": "chaosext.report.control"}}]

Declare it beside the verification control. It works in the last hook, `cleanup_control`, since the result is
complete only then.
"""

from __future__ import annotations

import logging

from ..errors import ChaosextError
from ..result import Verdict, read
from ..run import current
from .markdown import render_markdown
from .summary import last_line, summary_lines

__all__ = ["cleanup_control"]

logger = logging.getLogger("chaostoolkit")


def cleanup_control() -> None:
    """Write report.md into the run's folder, and print the summary and where the report is."""
    folder = current().reports
    if folder is None:
        return
    try:
        verification = read(folder)
        path = folder / "report.md"
        path.write_text(render_markdown(verification), encoding="utf-8")
    except (ChaosextError, OSError) as error:
        # An exception in this hook would end Chaos Toolkit before it wrote its journal.
        logger.error("No report was written: %s", error)
        return
    say = logger.info if verification.verdict is Verdict.VERIFIED else logger.error
    *lines, verdict = summary_lines(verification)
    for line in lines:
        logger.info(line)
    say(verdict)
    logger.info("Report: %s", path)
    if (explanation := last_line(verification)) is not None:
        logger.info(explanation)
