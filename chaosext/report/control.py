"""The report control: writes the report from verification.json and prints the summary, after all other hooks.

    "controls": [{"name": "report", "provider": {"type": "python", "module": "chaosext.report.control"}}]

Declare it beside the verification control. It works in the last hook, `cleanup_control`, since the result is
complete only then.
"""

from __future__ import annotations

import logging

from ..errors import ChaosextError
from ..result import Verdict, read
from ..run import current
from .files import write_reports
from .summary import last_line, summary_lines

__all__ = ["cleanup_control"]

logger = logging.getLogger("chaostoolkit")


def cleanup_control() -> None:
    """Write the report into the run's folder, and print the summary and where the report is."""
    folder = current().reports
    if folder is None:
        return
    try:
        verification = read(folder)
        page, *_ = write_reports(folder, verification)
    except Exception as error:
        # An exception in this hook would end Chaos Toolkit before it wrote its journal.
        text = str(error) if isinstance(error, ChaosextError) else f"{type(error).__name__}: {error}"
        logger.error("No report was written: %s", text)
        return
    say = logger.info if verification.verdict is Verdict.VERIFIED else logger.error
    *lines, verdict = summary_lines(verification)
    for line in lines:
        logger.info(line)
    say(verdict)
    logger.info("Report: %s", page)
    if (explanation := last_line(verification)) is not None:
        logger.info(explanation)
