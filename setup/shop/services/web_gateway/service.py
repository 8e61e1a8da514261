"""The routes of the storefront and what they need."""

from pathlib import Path

from aiohttp import web
from yarl import URL

from shop import metrics, server, settings
from shop.redis_store import RedisStore
from shop.services.web_gateway.api_door import ApiDoor
from shop.services.web_gateway.browsing import Browsing
from shop.services.web_gateway.buying import Buying
from shop.services.web_gateway.pages import error_page, secure
from shop.services.web_gateway.sessions import Sessions
from shop.services.web_gateway.shop_api import ShopApi
from shop.settings import Identity
from shop.upstream import Upstreams

LEAST_KEY_LENGTH = 16
STATIC = Path(__file__).parent / "static"


def build(identity: Identity) -> web.Application:
    """Return the web gateway; raises SettingsError without API_GATEWAY_URL, SESSION_REDIS_URL, SESSION_KEY."""
    gateway = URL(settings.url("API_GATEWAY_URL", "http"))
    store = RedisStore(
        settings.url("SESSION_REDIS_URL", "redis"),
        "sessions_unavailable",
        "We cannot remember who is who right now. Please try again in a moment.",
    )
    sessions = Sessions(store, settings.secret("SESSION_KEY", LEAST_KEY_LENGTH).encode())
    # Longer than api-gateway's own limit, so that its answer (504) arrives.
    upstreams = Upstreams(identity.name, settings.seconds("UPSTREAM_TIMEOUT_SECONDS", most=300, default=12))
    metrics.expect_upstream(identity.name, gateway.host or "", ("GET", "POST", "PUT", "DELETE"))

    application = server.create(identity, error_page)
    application.cleanup_ctx.append(store.run)
    application.cleanup_ctx.append(upstreams.run)
    application.on_response_prepare.append(secure)
    _add_routes(application, sessions, ShopApi(upstreams, gateway), ApiDoor(upstreams, gateway))
    return application


def _add_routes(application: web.Application, sessions: Sessions, api: ShopApi, door: ApiDoor) -> None:
    browsing, buying = Browsing(api), Buying(api, sessions)
    router, known = application.router, sessions.known
    router.add_get("/", known(browsing.home))
    router.add_get("/search", known(browsing.search))
    router.add_get("/products/{product_id}", known(browsing.product))
    router.add_get("/cart", known(buying.cart))
    router.add_post("/cart/items", known(buying.add))
    router.add_post("/cart/items/{product_id}", known(buying.change))
    router.add_get("/checkout", known(buying.checkout_form))
    router.add_post("/checkout", known(buying.pay))
    router.add_get("/orders/{transaction_id}", known(buying.confirmation))
    # Pictures are the same for everybody: no session, so that caches may keep them.
    router.add_get("/api/v1/content/{path:.*}", door.public)
    router.add_route("*", "/api/v1/{path:.*}", known(door.personal))
    router.add_static("/static", STATIC)
