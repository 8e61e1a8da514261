"""What the stand-ins for Loki and Tempo are sent: bodies, perhaps compressed by gzip, and perhaps refused."""

from __future__ import annotations

import zlib


class Refused(Exception):
    """Something sent that cannot be taken: the HTTP status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def unzipped(body: bytes, most: int) -> bytes:
    """Return what a gzip stream holds. Raises Refused for more than `most` bytes, ValueError, zlib.error."""
    unzip = zlib.decompressobj(wbits=31)  # gzip's own header
    data = unzip.decompress(body, most)
    if unzip.unconsumed_tail:
        raise Refused(413, f"the body has more than {most} bytes")
    if not unzip.eof:
        raise ValueError("the gzip stream is cut off")
    return data
