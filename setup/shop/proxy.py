"""Which headers a proxy passes on."""

from multidict import CIMultiDict, CIMultiDictProxy

# RFC 9110, 7.6.1: for one connection only; and what the next request or answer gets for itself.
_NOT_FORWARDED = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "expect",
        # Written anew by the tracing of the client.
        "traceparent",
        "tracestate",
        # An answer's, written anew by the server.
        "date",
        "server",
    }
)


def end_to_end(headers: CIMultiDictProxy[str], *, without: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """Return the headers to pass on; `without` names more that are not, in lower case."""
    for_connection = {
        name.strip().lower() for line in headers.getall("Connection", []) for name in line.split(",")
    }
    dropped = _NOT_FORWARDED | for_connection | without
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)
