"""The storefront, and the door to the API for browsers."""

from shop.services.web_gateway.service import build

__all__ = ["build"]
