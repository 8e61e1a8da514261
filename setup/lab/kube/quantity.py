"""Quantities such as 500m or 1Gi, in the one form in which the API server writes them."""

import re
from decimal import Decimal

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d+)")
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def parse(text: str | int | float) -> tuple[Decimal, str]:
    """Return a quantity's number and suffix; raises ValueError when it is none."""
    match = _FORM.fullmatch(str(text).strip())
    if not match:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number, suffix = match.groups()
    return Decimal(number), suffix


def value(text: str | int | float) -> Decimal:
    """Return what the quantity amounts to; raises ValueError when it is none."""
    number, suffix = parse(text)
    if suffix in _BINARY:
        return number * _BINARY[suffix]
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


def canonical(text: str | int | float) -> str:
    """Write a quantity with no fraction and the largest suffix that allows it: 0.5 is 500m, 1024Mi is 1Gi."""
    _, suffix = parse(text)
    amount = value(text)
    if suffix in _BINARY and amount == amount.to_integral_value():
        return _with_suffix(amount, [(size, name) for name, size in reversed(_BINARY.items())])
    if suffix not in _BINARY and suffix not in _DECIMAL:
        return _exponent(amount)
    scales = [
        (Decimal(10) ** power, name) for name, power in sorted(_DECIMAL.items(), key=lambda item: -item[1])
    ]
    return _with_suffix(amount, scales)


def _with_suffix(amount: Decimal, scales: list[tuple[int | Decimal, str]]) -> str:
    if not amount:
        return "0"
    for size, name in scales:
        scaled = amount / size
        if scaled == scaled.to_integral_value():
            return f"{scaled.to_integral_value():f}{name}"
    return f"{amount.normalize():f}"


def _exponent(amount: Decimal) -> str:
    power = 0
    while amount and amount % 1000 == 0:
        amount, power = amount / 1000, power + 3
    return f"{amount:f}e{power}" if power else f"{amount:f}"
