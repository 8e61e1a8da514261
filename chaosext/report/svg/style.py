"""The CSS that plots and diagrams need, and the palette that they and a page are coloured by.

A page sets the custom properties of LIGHT, and those of DARK for a dark screen. A test holds every pair of text
and ground against WCAG's contrast of 4.5, and of 3 for strokes.
"""

from __future__ import annotations

__all__ = ["DARK", "HUES", "LIGHT", "STYLE"]

LIGHT = {
    "ground": "#f6f7f9",
    "card": "#ffffff",
    "ink": "#1b2330",
    "soft": "#566070",
    "rule": "#dde2e9",
    "accent": "#1f5fbf",
    "good": "#1a7340",
    "good-ground": "#e3f4e9",
    "bad": "#b3261e",
    "bad-ground": "#fdeae8",
    "warn": "#8a5200",
    "warn-ground": "#fdf1dc",
    "none": "#566070",
    "none-ground": "#eceff3",
    "fault": "#f3dfc9",
    "recovery": "#dcebf7",
    "baseline": "#eef1f5",
    "pending": "#8a5200",
    "firing": "#b3261e",
    "landed": "#6b3fa0",
    "hue-1": "#2a6fd0",
    "hue-2": "#b8610a",
    "hue-3": "#22804a",
    "hue-4": "#7d4fb5",
    "hue-5": "#0d7d8c",
    "hue-6": "#b02f78",
    "hue-7": "#776500",
    "hue-8": "#566070",
}
DARK = {
    "ground": "#12161d",
    "card": "#1b212b",
    "ink": "#e8ecf2",
    "soft": "#a9b4c4",
    "rule": "#353e4c",
    "accent": "#86b4ff",
    "good": "#6fd394",
    "good-ground": "#16301f",
    "bad": "#ff9a91",
    "bad-ground": "#3c1a18",
    "warn": "#f5bd63",
    "warn-ground": "#36270c",
    "none": "#a9b4c4",
    "none-ground": "#2a323e",
    "fault": "#43321d",
    "recovery": "#1c3449",
    "baseline": "#232a35",
    "pending": "#f5bd63",
    "firing": "#ff9a91",
    "landed": "#c9a6ff",
    "hue-1": "#7fb0ff",
    "hue-2": "#f0a860",
    "hue-3": "#67cf8e",
    "hue-4": "#c7a5ff",
    "hue-5": "#5ccbd9",
    "hue-6": "#ff95c9",
    "hue-7": "#d8c95c",
    "hue-8": "#a9b4c4",
}
HUES = 8
"""How many colours there are to tell things of one kind apart; none of them is a tone's."""

_HUES = "".join(
    f".hue-{n} .bar-of-span{{fill:var(--hue-{n})}}.chart .line.hue-{n}{{stroke:var(--hue-{n})}}"
    for n in range(1, HUES + 1)
)
STYLE = (
    f"""
{_HUES}"""
    + """
svg text{font:11px/1 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:var(--soft)}
.plot{display:block;overflow:visible;margin:10px 14px 26px 46px;width:calc(100% - 60px)}
.plot .y{text-anchor:end}
.plot .x{text-anchor:middle}
.plot .grid{stroke:var(--rule);stroke-width:1}
.plot .tick{stroke:var(--soft);stroke-width:1}
.plot .line,.spark .line,.sample .line{fill:none;stroke:var(--accent);stroke-width:1.8;
vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.plot .limit,.sample .limit{stroke:var(--bad);stroke-width:1.3;stroke-dasharray:5 4}
.plot .bad-side{fill:var(--bad);opacity:.06}
.band.baseline{fill:var(--baseline)}
.band.fault{fill:var(--fault)}
.band.recovery{fill:var(--recovery)}
.plot .gap{fill:var(--soft);opacity:.22}
.mark{stroke-width:1.5}
.mark.pending{stroke:var(--pending);stroke-dasharray:2 3}
.mark.firing{stroke:var(--firing)}
.mark.landed{stroke:var(--landed);stroke-dasharray:6 3}
.mark.phase,.mark.applied,.mark.recovered{stroke:var(--soft)}
.strip .phase-name{paint-order:stroke;
stroke:var(--card);stroke-width:3px;stroke-opacity:.7;text-anchor:middle;fill:var(--ink);font-size:12px}
.strip .number{text-anchor:middle;fill:var(--card);font-weight:700}
.moment{fill:var(--soft)}
.moment.phase{fill:var(--ink)}
.moment.pending{fill:var(--pending)}
.moment.firing{fill:var(--firing)}
.moment.landed{fill:var(--landed)}
.moment.recovered{fill:var(--good)}
.chart .threshold{stroke-width:1.3;stroke-dasharray:5 4}
.chart .threshold.good,.chart .line.good{stroke:var(--good)}
.chart .threshold.warn,.chart .line.warn{stroke:var(--warn)}
.chart .threshold.bad,.chart .line.bad{stroke:var(--bad)}
.chart .threshold.none,.chart .line.none{stroke:var(--none)}
.spark{display:block;overflow:visible}
.spark .newest{fill:var(--accent)}
.diagram{display:block;width:100%;height:auto}
.diagram .name{font-size:14px;font-weight:600;text-anchor:middle;fill:var(--ink)}
.diagram .line-of-box{font-size:12.5px;text-anchor:middle;fill:var(--ink)}
.diagram .shape,.diagram .lid{stroke-width:1.6;fill:var(--none-ground);stroke:var(--none)}
.diagram .lid{fill:none}
.diagram .good .shape{fill:var(--good-ground)}
.diagram .good .shape,.diagram .good .lid{stroke:var(--good)}
.diagram .warn .shape{fill:var(--warn-ground)}
.diagram .warn .shape,.diagram .warn .lid{stroke:var(--warn)}
.diagram .bad .shape{fill:var(--bad-ground);stroke-width:3}
.diagram .bad .shape,.diagram .bad .lid{stroke:var(--bad)}
.diagram .unknown .shape{stroke-dasharray:5 4}
.diagram .edge{fill:none;stroke:var(--soft);stroke-width:1.4}
.diagram .backwards{stroke-dasharray:4 3}
.diagram .arrow{fill:var(--soft)}
.waterfall{display:block;overflow:visible;margin:8px 0 4px}
.waterfall .grid{stroke:var(--rule);stroke-width:1}
.waterfall .x{text-anchor:middle}
.waterfall .row{fill:none}
.waterfall .name{font-size:12px;fill:var(--ink)}
.waterfall .service{font-weight:600}
.waterfall .took{text-anchor:end;fill:var(--ink);font-variant-numeric:tabular-nums}
.waterfall .detail{font-family:ui-monospace,"Liberation Mono",monospace;fill:var(--ink)}
.waterfall .sign{fill:var(--bad);font-weight:700}
.waterfall .failed .bar-of-span{stroke:var(--bad);stroke-width:2}
.waterfall .blamed .row{fill:var(--bad-ground);stroke:var(--bad);stroke-width:1}
@media (max-width:640px){.plot .minor,.waterfall .minor{display:none}}
"""
)
