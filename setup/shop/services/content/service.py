"""The HTTP side of the pictures."""

import hashlib

from aiohttp import web

from shop import server
from shop.catalogue import products
from shop.problems import Problem
from shop.services.content.drawing import draw
from shop.settings import Identity

CACHE_SECONDS = 3600
_NOT_FOUND = 404
_NOT_MODIFIED = 304


def build(identity: Identity) -> web.Application:
    """Return the content service; it needs nothing but itself."""
    application = server.create(identity)
    application.router.add_get("/pictures/{product_id}.svg", Pictures().show)
    return application


class Pictures:
    """The handler; the pictures are drawn once, at the start, and kept in memory (about 60 kB)."""

    def __init__(self) -> None:
        self._pictures = {product.id: draw(product).encode() for product in products()}
        self._tags = {
            name: f'"{hashlib.sha256(picture).hexdigest()[:16]}"' for name, picture in self._pictures.items()
        }

    async def show(self, request: web.Request) -> web.Response:
        """GET /pictures/{product_id}.svg: a picture, or 304 to whoever has it, or 404."""
        name = request.match_info["product_id"]
        if name not in self._pictures:
            raise Problem(_NOT_FOUND, "unknown_picture", "There is no such picture.")
        headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", "ETag": self._tags[name]}
        if self._tags[name] in request.headers.get("If-None-Match", ""):
            return web.Response(status=_NOT_MODIFIED, headers=headers)
        return web.Response(body=self._pictures[name], content_type="image/svg+xml", headers=headers)
