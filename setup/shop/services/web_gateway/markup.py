"""HTML from templates: what is put in is escaped, unless it is HTML already."""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).parent / "templates"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def render(template: str, /, **values: object) -> Markup:
    """Return templates/<template>.html with $names replaced; raises KeyError for a missing one."""
    safe = {key: value if isinstance(value, Markup) else escape(str(value)) for key, value in values.items()}
    return Markup(_template(template).substitute(safe))


def join(parts: list[Markup]) -> Markup:
    """Return the parts one after another."""
    return Markup("".join(parts))


def euros(cents: int) -> str:
    """Return an amount as people read it."""
    return f"€{cents // 100}.{cents % 100:02d}"


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / f"{name}.html").read_text(encoding="utf-8"))
