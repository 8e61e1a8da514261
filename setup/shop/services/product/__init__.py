"""The catalogue: search, list and look up products in PostgreSQL."""

from shop.services.product.service import build

__all__ = ["build"]
