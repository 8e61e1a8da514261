"""The CSS that plots and diagrams need, and the palette that they and a page are coloured by.

A page sets the custom properties of LIGHT, and those of DARK for a dark screen. A test holds every pair of text
and ground against WCAG's contrast of 4.5, and of 3 for strokes.
"""

from __future__ import annotations

__all__ = ["DARK", "LIGHT", "STYLE"]

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
}

STYLE = """
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
@media (max-width:640px){.plot .minor{display:none}}
"""
