"""The pictures of the products, drawn by this program."""

from shop.services.content.service import build

__all__ = ["build"]
