"""Puts the dashboards into the Grafana of GRAFANA_URL and GRAFANA_TOKEN: python dashboards/publish.py [--help].

They are written over those of the same uid, in a folder of their own. Each kind of data source is set to the
default one of its type, else the first by name, or to the uid given; only Prometheus must be there. A second
run changes nothing but versions.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from chaosext.errors import ChaosextError
from chaosext.grafana.client import DataSource, Grafana

FOLDER_UID = "chaos-gameday"
FOLDER_TITLE = "Chaos game days"
_KINDS = {"datasource": "prometheus", "loki": "loki", "tempo": "tempo"}  # of each variable


def main() -> int:
    """Write every dashboard; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for kind in _KINDS.values():
        parser.add_argument(f"--{kind}", metavar="UID", help=f"the {kind} data source to use")
    chosen = vars(parser.parse_args())
    try:
        publish(Grafana(os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", "")), chosen)
    except ChaosextError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 2
    return 0


def publish(grafana: Grafana, chosen: dict[str, str | None]) -> None:
    """Write the folder and every dashboard beside this file; raises GrafanaError."""
    sources = _sources(grafana, chosen)
    grafana.ensure_folder(FOLDER_UID, FOLDER_TITLE)
    for path in sorted(Path(__file__).resolve().parent.glob("*.json")):
        model = json.loads(path.read_text(encoding="utf-8"))
        for variable in model["templating"]["list"]:
            if (source := sources.get(variable["name"])) is not None:
                variable["current"] = _current(source.name, source.uid)
        print(f"{grafana.url}{grafana.save_dashboard(model, FOLDER_UID)}  {model['title']}")


def _sources(grafana: Grafana, chosen: dict[str, str | None]) -> dict[str, DataSource]:
    """Return the data source of each variable; a kind that Grafana has none of is left out, and said."""
    there = {source.type for source in grafana.datasources()}
    found = {}
    for variable, kind in _KINDS.items():
        if kind in there or kind == "prometheus" or chosen.get(kind):
            found[variable] = grafana.source(kind, chosen.get(kind))
        else:
            print(f"note: {grafana.url} has no {kind.capitalize()} data source: its panels stay empty")
    return found


def _current(text: str, value: str) -> dict[str, Any]:
    return {"selected": True, "text": text, "value": value}


if __name__ == "__main__":
    sys.exit(main())
