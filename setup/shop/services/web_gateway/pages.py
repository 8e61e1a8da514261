"""Whole pages: the frame around each, and the page that says what went wrong."""

from aiohttp import web

from shop import server
from shop.catalogue import CATEGORIES
from shop.problems import Problem
from shop.services.web_gateway.markup import Markup, join, render
from shop.services.web_gateway.sessions import Session

_OK, _NOT_FOUND, _SERVER_ERROR = 200, 404, 500
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def page(
    title: str,
    main: Markup,
    session: Session | None,
    *,
    status: int = _OK,
    words: str = "",
    category: str = "",
) -> web.Response:
    """Return a page in the shop's frame; without a session the cart shows no count."""
    links = [
        render(
            "nav_link",
            category=name,
            label=name.capitalize(),
            current=Markup(' aria-current="page"') if name == category else "",
        )
        for name in CATEGORIES
    ]
    pieces = session.pieces if session else 0
    html = render(
        "frame",
        title=title,
        main=main,
        nav=join(links),
        words=words,
        badge=render("badge", pieces=pieces) if pieces else "",
        cart_label=f"Cart, {pieces} {'piece' if pieces == 1 else 'pieces'}",
    )
    return web.Response(text=html, content_type="text/html", status=status)


def error_page(request: web.Request, problem: Problem) -> web.StreamResponse:
    """Answer a problem: as JSON to programs, as a page to people."""
    if request.path.startswith("/api/"):
        return server.json_error(request, problem)
    if problem.status >= _SERVER_ERROR:
        title, advice = (
            "Something boiled over",
            "Nothing was lost: your cart is kept. Please try again in a moment.",
        )
    elif problem.status == _NOT_FOUND:
        title, advice = "Nothing on this shelf", "The page you asked for does not exist, or no longer does."
    else:
        title, advice = "That did not work", "Please go back, check what you entered and try again."
    main = render("error", title=title, message=problem.message, advice=advice, status=problem.status)
    return page(title, main, None, status=problem.status)


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that keep a page to itself; pages are kept by no cache."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.content_type == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
