"""The environment of a service, read once at its start; what is wrong with it is said in one line."""

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

PORT = 8080


class SettingsError(Exception):
    """An environment variable is missing or unusable; the message names it, never a secret's value."""


@dataclass(frozen=True)
class Identity:
    """Who this process is: the names that its metrics, logs and spans carry, and the address it binds."""

    name: str
    version: str
    pod: str
    namespace: str
    address: str


def read_identity(default_name: str) -> Identity:
    """Return the identity from SERVICE_NAME, SERVICE_VERSION, POD_NAME, POD_NAMESPACE and POD_IP.

    Raises SettingsError if POD_IP is no IP address. Without POD_IP the service binds loopback only.
    """
    address = text("POD_IP", "127.0.0.1")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise SettingsError(f"POD_IP is '{address}', which is no IP address") from None
    return Identity(
        name=text("SERVICE_NAME", default_name),
        version=text("SERVICE_VERSION", "unversioned"),
        pod=text("POD_NAME", ""),
        namespace=text("POD_NAMESPACE", ""),
        address=address,
    )


def text(name: str, default: str | None = None) -> str:
    """Return the variable's value; an empty one counts as missing. Raises SettingsError without a default."""
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise SettingsError(f"{name} is not set")
    return default


def secret(name: str, least_length: int = 1) -> str:
    """Return a secret of at least least_length characters; raises SettingsError without quoting it."""
    value = text(name)
    if len(value) < least_length:
        raise SettingsError(f"{name} is too short: it needs at least {least_length} characters")
    return value


def integer(name: str, least: int, most: int) -> int:
    """Return a whole number between least and most, both included; raises SettingsError otherwise."""
    value = text(name)
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise SettingsError(f"{name} is '{value}', not a whole number from {least} to {most}")
    return int(value)


def seconds(name: str, most: float, default: float) -> float:
    """Return a duration above 0 and up to most seconds; raises SettingsError otherwise."""
    value = text(name, str(default))
    try:
        duration = float(value)
    except ValueError:
        duration = 0.0
    if not 0 < duration <= most:
        raise SettingsError(f"{name} is '{value}', not a number of seconds above 0 and up to {most:g}")
    return duration


def url(name: str, scheme: str) -> str:
    """Return a URL of that scheme with a host, without a trailing slash; raises SettingsError otherwise."""
    value = text(name)
    try:
        parts = urlsplit(value)
        valid = parts.scheme == scheme and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        # The value is not quoted: a URL may carry a password.
        raise SettingsError(f"{name} is not a URL such as {scheme}://host:port")
    return value.rstrip("/")
