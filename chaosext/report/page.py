"""The page that every HTML report is: one file without scripts, fonts or pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .svg.markup import Child, Markup, join, tag
from .svg.style import DARK, LIGHT, STYLE

__all__ = ["badge", "card", "notice", "page", "pill", "table", "tiles"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_GLYPHS = {"good": "✓", "bad": "✕", "warn": "!", "none": "-"}
_CSS = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
main{padding-top:24px;padding-bottom:8px}
footer{padding-bottom:32px;color:var(--soft);font-size:13px}
h1{font-size:24px;line-height:1.25;margin:10px 0 8px;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:18px;line-height:1.3;margin:0 0 4px}
h3{font-size:14.5px;line-height:1.35;margin:0;font-weight:600}
p{margin:6px 0}
a{color:var(--accent);text-underline-offset:2px}
a:focus-visible,.scroll:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.soft{color:var(--soft)}
.small{font-size:13px}
.lead{font-size:17px;line-height:1.45;overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px 20px;margin:16px 0}
.head{border-left:6px solid var(--none)}
.head.good{border-left-color:var(--good)}
.head.bad{border-left-color:var(--bad)}
.head.warn{border-left-color:var(--warn)}
.notice{margin:8px 0;padding:8px 12px;border-left:4px solid var(--warn);border-radius:4px;
background:var(--warn-ground);overflow-wrap:anywhere}
h3.apart{margin-top:16px}
.said{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center}
.said .pill{white-space:normal}
ol.lines{margin:6px 0 0;padding:0;list-style:none;display:grid;gap:4px}
.lines li{padding:5px 9px;border-radius:4px;background:var(--none-ground);line-height:1.4}
.facts{display:flex;flex-wrap:wrap;gap:2px 20px;margin:10px 0 0;padding:0;list-style:none;color:var(--soft);
font-size:13.5px}
.facts li{overflow-wrap:anywhere}
.badge,.pill{display:inline-block;border-radius:999px;font-weight:600;white-space:nowrap;
background:var(--none-ground);color:var(--none)}
.badge{padding:4px 14px;font-size:15px}
.pill{padding:1px 9px;font-size:12.5px}
.badge.good,.pill.good{background:var(--good-ground);color:var(--good)}
.badge.bad,.pill.bad{background:var(--bad-ground);color:var(--bad)}
.badge.warn,.pill.warn{background:var(--warn-ground);color:var(--warn)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:16px 0}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:12px 16px}
.tile .what{color:var(--soft);font-size:13px;display:block}
.tile .much{font-size:24px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;display:block}
.tile .rest{color:var(--soft);font-size:12.5px;display:block}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 6px}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{color:var(--soft);font-weight:600;font-size:12.5px;vertical-align:bottom}
tbody th{color:var(--ink);font-size:13.5px;vertical-align:top}
tr:last-child>*{border-bottom:0}
td.number,th.number{text-align:right}
ol.events{margin:8px 0 0;padding:0;list-style:none;display:grid;gap:3px 24px;
grid-template-columns:repeat(auto-fill,minmax(290px,1fr));font-size:13.5px}
ol.events li{display:grid;grid-template-columns:26px 50px 1fr}
ol.events time{color:var(--soft);font-variant-numeric:tabular-nums}
.next{margin:6px 0 0;padding-left:22px}
.next li{margin:5px 0;overflow-wrap:anywhere}
.plots{display:grid;gap:14px 32px;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));
margin-top:12px}
.plots+h3{margin-top:22px}
.plots.wide{grid-template-columns:1fr}
.plots.few{grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr))}
figure{margin:0;min-width:0}
figcaption{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
figcaption .values{color:var(--soft);font-size:13px;font-variant-numeric:tabular-nums}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;padding:0;list-style:none;font-size:12.5px;
color:var(--soft)}
.legend li{display:flex;align-items:center;gap:6px}
.legend svg{width:22px;height:12px;flex:none}
.legend .box{width:22px;height:12px;flex:none;border:1px solid var(--rule)}
.box.baseline{background:var(--baseline)}
.box.fault{background:var(--fault)}
.box.recovery{background:var(--recovery)}
.box.gap{background:color-mix(in srgb,var(--soft) 24%,var(--card))}
.box.good{background:var(--good-ground);border-color:var(--good)}
.box.warn{background:var(--warn-ground);border-color:var(--warn)}
.box.bad{background:var(--bad-ground);border:2px solid var(--bad)}
.box.none{background:var(--none-ground);border:1px dashed var(--none)}
.drawing{min-width:860px}
table.matrix th,table.matrix td{padding:6px 8px 6px 0;font-size:12.5px}
table.matrix .pill{padding:1px 7px;font-size:12px}
tbody th a{white-space:nowrap}
.bar{height:8px;border-radius:4px;background:var(--none-ground);overflow:hidden;min-width:120px;display:flex}
td>.bar{margin-top:6px}
.bar i{background:var(--accent)}
.bar i.spent{background:var(--bad)}
code{font:12.5px ui-monospace,"Liberation Mono",monospace;overflow-wrap:anywhere}
.differences{margin:8px 0 0;padding-left:20px;overflow-wrap:anywhere}
@media (max-width:640px){main,footer{padding-left:12px;padding-right:12px}.card{padding:14px 14px}
h1{font-size:20px}.lead{font-size:16px}}
@media print{body{font-size:12px;background:none}main,footer{max-width:none;padding:0}
.card,.tile{break-inside:avoid}.card.long{break-inside:auto}figure,tr{break-inside:avoid}h2,h3{break-after:avoid}
.plots{grid-template-columns:1fr 1fr}.plots+h3{margin-top:22px}
.plots.wide{grid-template-columns:1fr}.scroll{overflow:visible}
.tiles{grid-template-columns:repeat(auto-fit,minmax(112px,1fr))}.tile .much{font-size:18px}
.drawing{min-width:0}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
table,code{font-size:10.5px}th,tbody th{font-size:10.5px}td,th{padding-right:8px}
table.matrix th,table.matrix td{font-size:8.5px;padding:4px 4px 4px 0;overflow-wrap:anywhere}
table.matrix .pill{font-size:8px;padding:0 4px}tbody th a{white-space:normal}}
@page{margin:14mm}
"""


def page(title: str, *content: Child) -> str:
    """Return a whole HTML document in light and dark, for screens and paper."""
    style = (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}{_CSS}{STYLE}"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("title", title),
        # The style is this module's own: escaped, its quotes and child selectors would be none.
        tag("style", Markup(style.replace("\n", ""))),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *content), lang='en')}\n"


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


def card(title: str, *content: Child, note: str | None = None, long: bool = False) -> Markup:
    """Return a titled section; a `long` one may be broken over printed pages."""
    heading = tag("h2", title)
    said = None if note is None else tag("p", note, class_="soft small")
    return tag("section", heading, said, *content, class_="card long" if long else "card")


def pill(text: str, tone: str) -> Markup:
    """Return a small label; `tone` (good, bad, warn, none) gives its colour and a sign that needs none."""
    return tag("span", f"{_GLYPHS[tone]} {text}", class_=f"pill {tone}")


def notice(text: str) -> Markup:
    """Return a remark that something is missing here."""
    return tag("p", f"{_GLYPHS['warn']} {text}", class_="notice", role="note")


def badge(text: str, tone: str) -> Markup:
    """Return a large label, as `pill` does."""
    return tag("span", f"{_GLYPHS[tone]} {text}", class_=f"badge {tone}")


def tiles(items: Iterable[tuple[str, Child, str]]) -> Markup:
    """Return a row of numbers: what, how much, and a remark."""
    return tag(
        "div",
        [
            tag(
                "div",
                tag("span", what, class_="what"),
                tag("span", much, class_="much"),
                tag("span", rest, class_="rest") if rest else None,
                class_="tile",
            )
            for what, much, rest in items
        ],
        class_="tiles",
    )


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Child]],
    numbers: int = 0,
    kind: str | None = None,
) -> Markup:
    """Return a table that scrolls by itself when it is wide.

    `numbers` columns after the first are numbers; `kind` is its CSS class: `matrix` for many narrow columns.
    """
    columns = ["number" if 0 < n <= numbers else None for n in range(len(header))]
    heads = [tag("th", name, scope="col", class_=column) for name, column in zip(header, columns, strict=True)]
    body = [
        tag(
            "tr",
            tag("th", first, scope="row"),
            [tag("td", cell, class_=column) for cell, column in zip(rest, columns[1:], strict=True)],
        )
        for first, *rest in rows
    ]
    content = join(tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", body))
    return tag(
        "div",
        tag("table", content, class_=kind),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption,
    )
