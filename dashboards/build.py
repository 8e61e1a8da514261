"""Builds every dashboard's JSON beside this file: python dashboards/build.py [--check].

From manifests/slo.yaml and manifests/architecture.yaml. --check writes nothing and exits with 1 when a file is
not as it would be built.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import databases
import detail
import gamedays
import load
import overview
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).resolve().parent
_MADE = (
    overview.build,
    detail.build,
    databases.postgresql,
    databases.redis,
    load.build,
    gamedays.build,
)


def built() -> dict[Path, str]:
    """Return each dashboard's JSON by its file."""
    made = [one().build() for one in _MADE]
    return {
        FOLDER / f"{one.uid}.json": JSONEncoder(sort_keys=True, indent=2).encode(one) + "\n" for one in made
    }


def main() -> int:
    """Write the files, or check them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell whether the files are up to date")
    found = built()
    wrong = [
        path for path, text in found.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    wrong += [path for path in FOLDER.glob("*.json") if path not in found]
    if parser.parse_args().check:
        for path in wrong:
            print(f"{path}: not as dashboards/build.py builds it: run it again", file=sys.stderr)
        return 1 if wrong else 0
    for path in wrong:
        if path in found:
            path.write_text(found[path], encoding="utf-8")
        else:
            path.unlink()
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
