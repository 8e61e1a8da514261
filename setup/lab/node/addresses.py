"""Addresses for pods, each its own in 127.0.0.0/8, so that every process binds its usual port."""

_HOSTS = 254  # .1 to .254
_NETWORKS = 255  # the last one is kept for addresses that nobody binds
_ALL = _HOSTS * _NETWORKS


class Addresses:
    """Gives out addresses of a /16 one after the other.

    A released one comes around again only after 64,769 others, which takes far longer than the minute in
    which a client may still know it.
    """

    def __init__(self, network: str) -> None:
        self._network = network
        self._used: set[str] = set()
        self._next = 0

    def take(self) -> str:
        """Return an address that no pod has."""
        while True:
            high, low = divmod(self._next % _ALL, _HOSTS)
            self._next += 1
            address = f"{self._network}.{high}.{low + 1}"
            if address not in self._used:
                self._used.add(address)
                return address

    def release(self, address: str) -> None:
        """Give an address back."""
        self._used.discard(address)


def unbound(network: str) -> str:
    """Return an address that no pod ever gets: a connection to it is refused at once."""
    return f"{network}.{_NETWORKS}.254"
