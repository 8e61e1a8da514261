"""Write protobuf.json: the field numbers of the types in schema.json, out of Kubernetes' published Go types.

    python -m lab.kube.schema.generate_protobuf API APIMACHINERY

The arguments are checkouts of github.com/kubernetes/api and github.com/kubernetes/apimachinery of the version
that schema.json is of. Each field's tag tells its number and whether it is left out when it is zero: what the
protobuf definitions do not say, since they write a zero that was never set like one that was.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from lab.kube.schema import struct, type_names

TARGET = Path(__file__).with_name("protobuf.json")
_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\t(?:\w+ +)?(?P<type>[^\s`]+) +`(?P<tags>.*)`", re.MULTILINE)
# One type is tagged `proto` by mistake; its numbers hold.
_TAG = re.compile(r'(json|proto)(?:buf)?:"([^"]*)"')
_ZEROS = ("string", "boolean", "int32", "int64")


def main(api: Path, apimachinery: Path) -> str:
    """Return the text of protobuf.json: one type a line.

    A field ends in `?` when a zero means that it was not set. One that begins with `>` names the type whose
    fields are written as if they were this type's own.
    """
    sources: dict[str, dict[str, str]] = {}
    types: dict[str, dict[str, str]] = {}
    todo = [(name, name) for name in type_names()]
    while todo:
        name, outer = todo.pop()
        package, _, short = name.rpartition(".")
        if package not in sources:
            sources[package] = structs(api, apimachinery, package)
        types[name] = dict(fields(package, sources[package][short], outer))
        todo += [(one[1:], outer) for one in types[name].values() if one.startswith(">")]
    lines = [f"{json.dumps(name)}: {json.dumps(types[name])}" for name in sorted(types)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def structs(api: Path, apimachinery: Path, package: str) -> dict[str, str]:
    """Return the bodies of a package's structs; `core.v1` is core/v1/types.go, `meta.v1` in apimachinery."""
    folder = (apimachinery / "pkg/apis" if package.startswith("meta.") else api) / package.replace(".", "/")
    return dict(_STRUCT.findall((folder / "types.go").read_text()))


def fields(package: str, body: str, outer: str) -> Iterator[tuple[str, str]]:
    """Yield the numbers and names of a struct's fields."""
    known = struct(outer).fields
    for match in _FIELD.finditer(body):
        tags = dict(_TAG.findall(match["tags"]))
        if "proto" not in tags:
            continue
        number = tags["proto"].split(",")[1]
        name, *options = tags["json"].split(",")
        if "inline" in options or not name:
            yield number, f">{package}.{match['type']}"
        elif name in known:
            is_optional = "omitempty" in options and known[name].type in _ZEROS and match["type"][0] != "*"
            yield number, name + "?" * is_optional


if __name__ == "__main__":
    TARGET.write_text(main(Path(sys.argv[1]), Path(sys.argv[2])))
