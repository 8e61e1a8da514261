"""What the shop sells, as catalogue.toml lists it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CATEGORIES = ("coffee", "tea", "cocoa", "bakery", "kitchen")


@dataclass(frozen=True)
class Product:
    """A product: its price in cents, what its picture shows (a motif) and in which three colours (#rrggbb)."""

    id: str
    category: str
    name: str
    price_cents: int
    motif: str
    colours: list[str]
    description: str


@cache
def products() -> list[Product]:
    """Return all products, in the order in which they are shown."""
    content = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    return [Product(**row) for row in tomllib.loads(content)["product"]]
