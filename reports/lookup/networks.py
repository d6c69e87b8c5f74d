"""Addresses of clients, and whether a list of networks contains them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def plain_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; an IPv4 address that is written as IPv6 is IPv4. None if it is none."""
    try:
        given = ip_address(text)
    except ValueError:
        return None
    return getattr(given, "ipv4_mapped", None) or given


def is_listed(address: str, networks: Iterable[Network]) -> bool:
    """Whether one of the networks contains the address."""
    given = plain_address(address)
    return given is not None and any(given in network for network in networks)
