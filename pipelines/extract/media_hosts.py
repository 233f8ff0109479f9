"""Where media may be asked for, and which hosts want to know who sent us. No I/O here."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from pipelines.errors import BadInput

# Nodes that answer 403 where the Referer is missing; pictures and sounds need none.
_WANT_REFERER = ("douyin.com", "douyinvod.com", "idouyinvod.com", "zjcdn.com", "douyincdn.com")
_HOME_NAMES = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "arpa",
    "test",
    "invalid",
)
_STAND_INS = IPv4Network("198.18.0.0/15")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_GLOBAL = IPv6Network("2000::/3")  # all of IPv6 that is given to hosts of the public internet
# Every reader of addresses takes these letters as they are, without a folder that is a dot or two.
_PLAIN = re.compile(
    r"(https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]{1,5})?)"
    r"(/(?!\.)(?:[A-Za-z0-9_~!$&'()*+,;=:@%.-]|/(?!\.))*(?:\?[A-Za-z0-9_~!$&'()*+,;=:@%./?-]*)?)"
)


def halves(url: str) -> tuple[str, bytes] | None:
    """`https://host` and `/path?query` of an address; None where it takes a reader of addresses to tell."""
    found = _PLAIN.fullmatch(url)
    return None if found is None else (found[1], found[2].encode("ascii"))


def host_of(url: str) -> str:
    """The host of an address in lower case; BadInput where it is no http address or carries a user or password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput("An address of media cannot be read; it is skipped.") from error
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise BadInput("An address of media is no plain http address; it is skipped.")
    return host.rstrip(".").lower()


def wants_referer(host: str) -> bool:
    """Whether the host refuses requests without the Referer of Douyin's pages."""
    return any(host == name or host.endswith("." + name) for name in _WANT_REFERER)


def check_public(host: str) -> None:
    """BadInput where the host is this machine, a private network, or no full name.

    Douyin's answers and redirects come from outside: they must not make the archive ask a neighbour.
    """
    if not (_is_public_number(host) if _looks_like_number(host) else _is_public_name(host)):
        raise BadInput(f"Media is not asked for at {host}: it is no host of the public internet.", host=host)


def leads_out(address: str) -> bool:
    """Whether a name may lead to this address: no neighbour's, as far as the address tells.

    Proxies that look names up themselves give each of them an address of 198.18.0.0/15, and networks of IPv6 alone one
    that holds the IPv4 address.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = IPv4Address(found.packed[-4:]) if found in _TRANSLATED else found.ipv4_mapped
        return leads_out(str(inner)) if inner is not None else _is_public_number(str(found))
    return found in _STAND_INS or _is_public_number(str(found))


def _looks_like_number(host: str) -> bool:
    # 127.1, 0x7f.1 and 2130706433 are addresses too, to those who resolve names.
    last = host.rpartition(".")[2]
    return ":" in host or last.isdecimal() or last.startswith("0x")


def _is_public_number(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and (address not in _GLOBAL or address.sixtofour or address.teredo):
        return False  # site-local, or another way to write an IPv4 address, for which no media host has a use
    return address.is_global and not address.is_multicast


def _is_public_name(host: str) -> bool:
    return "." in host and host.rpartition(".")[2] not in _HOME_NAMES
