"""Which addresses a request may go to: those of the public internet, and the networks that the operator allows.

Without this anybody who may put a webhook could let the server talk to services that only it can reach.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")


def parse_network(text: str) -> Network:
    """Reads `10.0.0.0/8` or a single address. Raises ValueError with a message for people."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no network: write 10.0.0.0/8, fd00::/8 or one address ({error})") from None


def permitted(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether a request may go to an address."""
    inside = _inside(address)
    faces = [address, *inside]
    if any(face.version == network.version and face in network for network in allowed for face in faces):
        return True
    return all(map(_public, inside or faces))


def choose(found: Sequence[str], allowed: Sequence[Network]) -> list[str]:
    """Those of the addresses that a name was found to have which a request may go to, in their order."""
    return [text for text in found if permitted(ipaddress.ip_address(text), allowed)]


def _public(address: Address) -> bool:
    # `is_global` alone takes multicast, and IPv6 that nobody has handed out yet, for public.
    if isinstance(address, ipaddress.IPv6Address):
        return address in _UNICAST and address.is_global
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inside(address: Address) -> list[Address]:
    """The IPv4 addresses at which a packet to this IPv6 address may end."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in _NAT64 or address in _V4_COMPATIBLE:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return []
