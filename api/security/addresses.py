"""Addresses: where a request comes from, believing only the proxies that are trusted."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

from libelle.settings import Network

UNKNOWN = "unknown"
_HOUSEHOLD_BITS = 64  # Of an IPv6 address: what one subscriber has all to itself.

Address = IPv4Address | IPv6Address


class Proxies:
    """The proxies whose `X-Forwarded-For` is believed.

    Each proxy adds at the end the address that called it. From the end, the first one that is no
    trusted proxy is thus the client's; what stands before may be made up.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def client_of(self, scope: Scope) -> str:
        """Return the address of the client of a request."""
        peer = scope.get("client")
        address = _parse(peer[0]) if peer else None
        if address is None:
            return UNKNOWN
        if not self._trusts(address):
            return str(address)
        for forwarded in reversed(_forwarded(scope)):
            before = _parse(forwarded)
            if before is None:
                break
            address = before
            if not self._trusts(address):
                break
        return str(address)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def household(address: str) -> str:
    """Return what a limit counts together: an IPv4 address, the network of an IPv6 one."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/{_HOUSEHOLD_BITS}", strict=False))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host."""
    address = _parse(host.strip("[]"))
    return host == "localhost" if address is None else address.is_loopback


def _forwarded(scope: Scope) -> list[str]:
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return b",".join(values).decode("latin-1").split(",") if values else []


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
