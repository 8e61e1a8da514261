"""Strategic merge patch: lists merged by the key that the schema names, and directives for the rest.

After https://github.com/kubernetes/apimachinery/tree/master/pkg/util/strategicpatch.
"""

from typing import Any

from lab.kube.errors import ApiError
from lab.kube.schema import ANY, Field, child

_ORDER = "$setElementOrder/"
_DELETE_SCALARS = "$deleteFromPrimitiveList/"


def strategic_merge(original: dict[str, Any], patch: dict[str, Any], of: Field) -> dict[str, Any]:
    """Return original with the patch applied; neither is changed. Raises ApiError 400 for a bad patch."""
    directive = patch.get("$patch")
    if directive == "replace":
        return _without_directives({key: value for key, value in patch.items() if key != "$patch"})
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise _unknown(directive)
    result = dict(original)
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {key: value for key, value in result.items() if key in retained}
    orders = {key.removeprefix(_ORDER): value for key, value in patch.items() if key.startswith(_ORDER)}
    for key, value in patch.items():
        if key.startswith(_DELETE_SCALARS):
            name = key.removeprefix(_DELETE_SCALARS)
            result[name] = [item for item in result.get(name, []) if item not in value]
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(result, key, value, child(of, key) or ANY, orders)
    for key, order in orders.items():
        # An order without content sorts what is there.
        field = child(of, key) or ANY
        if key not in patch and key in result and field.merge is not None:
            result[key] = _in_order(result[key], result[key], order, field.merge)
    return result


def _merge_field(result: dict[str, Any], key: str, value: Any, of: Field, orders: dict[str, list[Any]]) -> None:
    present = result.get(key)
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        result[key] = strategic_merge(present if isinstance(present, dict) else {}, value, of)
        if value.get("$patch") == "delete":
            del result[key]
    elif isinstance(value, list) and of.merge is not None:
        result[key] = _merge_list(present or [], value, of, orders.get(key))
    else:
        result[key] = _without_directives(value)


def _merge_list(present: list[Any], patch: list[Any], of: Field, order: list[Any] | None) -> list[Any]:
    key = of.merge
    if not key:
        merged = present + [item for item in patch if item not in present]
        return _in_order(merged, present, patch if order is None else order, "")
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [_without_directives(item) for item in patch if item.get("$patch") != "replace"]
    merged = list(present)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise ApiError(400, "BadRequest", f"map: {item} does not contain declared merge key: {key}")
        directive = item.get("$patch")
        places = [index for index, one in enumerate(merged) if one.get(key) == item[key]]
        if directive == "delete":
            merged = [one for one in merged if one.get(key) != item[key]]
        elif directive not in (None, "merge"):
            raise _unknown(directive)
        elif places:
            merged[places[0]] = strategic_merge(merged[places[0]], item, of.items or ANY)
        else:
            merged.append(strategic_merge({}, item, of.items or ANY))
    # Without an order the patch's own counts: what it brings comes before what only the server has.
    return _in_order(merged, present, patch if order is None else order, key)


def _in_order(merged: list[Any], present: list[Any], order: list[Any], key: str) -> list[Any]:
    """Sort merged: what the order names in its order, what only the server has where it was beside that."""

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [identity(item) for item in order]
    before = [identity(item) for item in present]
    ordered = sorted(
        (item for item in merged if identity(item) in wanted), key=lambda item: wanted.index(identity(item))
    )
    only_here = [item for item in merged if identity(item) not in wanted]
    result = []
    while ordered and only_here:
        wished, other = identity(ordered[0]), identity(only_here[0])
        is_later = wished in before and other in before and before.index(other) < before.index(wished)
        result.append((only_here if is_later else ordered).pop(0))
    return result + ordered + only_here


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_directives(item)
            for key, item in value.items()
            if item is not None and not key.startswith("$")
        }
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    return value


def _unknown(directive: Any) -> ApiError:
    return ApiError(400, "BadRequest", f"unknown patch type found: {directive}")
