"""Errors of commands, for people."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

__all__ = ["one_line_errors"]


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Say what is wrong in one line and exit with 2: bad input and a Grafana that fails are no traceback."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        from ..errors import ChaosextError  # noqa: PLC0415 - see the package's docstring

        try:
            command(*args, **kwargs)
        except ChaosextError as error:
            click.echo(f"chaos {click.get_current_context().info_name}: {error}", err=True)
            sys.exit(2)

    return guarded
