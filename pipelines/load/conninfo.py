"""A catalog on PostgreSQL as it may be shown: of what libpq is told, only values that are known to be no secrets.

A password under a misspelled name is one all the same, so names of secrets are not what is looked for. No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAMES = """
host hostaddr port dbname user sslmode sslrootcert sslcert sslkey sslcrl sslcrldir sslcompression sslnegotiation
sslsni sslcertmode ssl_min_protocol_version ssl_max_protocol_version connect_timeout client_encoding options
application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count
tcp_user_timeout replication gssencmode gssdelegation channel_binding require_auth krbsrvname gsslib requirepeer
target_session_attrs load_balance_hosts passfile service
"""
# Seconds until a server that takes no new connection is away, and until one that is silent and whose machine does not
# answer either; the last in ms.
LIMITS = {
    "connect_timeout": "30",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_HARMLESS = frozenset(_NAMES.split())
_ADDRESS = re.compile(r"(?i)(?:postgres:)?postgres(?:ql)?://")
_OF_USER = re.compile(r"(://[^/@:\s]*):[^/@]*@")
_PARAMETER = re.compile(r"(?<=[?&])([^=&]*)=([^&]*)&?")
# Name and value, or what is neither: a second word of a password, say.
_WORD = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'?|(?:[^\s\\]|\\.)*)\s*|([^\s=]+|=)\s*")


def is_postgres(catalog: str) -> bool:
    """Whether it is a catalog on PostgreSQL, however it is spelt."""
    return catalog.lower().startswith(("postgres:", "postgresql:"))


def shown(catalog: str, hidden: str = "") -> str:
    """The catalog with `hidden` in place of each secret; without a trace of them where that is ''."""
    if not is_postgres(catalog):
        return catalog
    if _ADDRESS.match(catalog):
        spared = _OF_USER.sub(rf"\1:{hidden}@" if hidden else r"\1@", catalog)
        return _PARAMETER.sub(lambda found: _parameter(found, hidden), spared).rstrip("?&")
    prefix, _, words = catalog.partition(":")
    return f"{prefix}:" + _WORD.sub(lambda found: _word(found, hidden), words).rstrip()


def limited(target: str) -> str:
    """What libpq is told of a server, with limits to its silence where it names none: else libpq waits for hours."""
    missing = [f"{name}={value}" for name, value in LIMITS.items() if not re.search(rf"\b{name}\s*=", target)]
    if not missing or re.search(r"\bservice\s*=", target):
        return target
    if not _ADDRESS.match(target):
        return " ".join([target, *missing])
    return target + ("&" if "?" in target else "?") + "&".join(missing)


def scrubbed(text: str, catalog: str) -> str:
    """A message about the catalog, of which it may quote the whole or single words, without its secrets."""
    if not is_postgres(catalog):
        return text
    for whole in (catalog, catalog.removeprefix("postgres:")):
        text = text.replace(whole, shown(catalog).removeprefix("postgres:"))
    text = _OF_USER.sub(r"\1@", text)
    for secret in _secrets(catalog):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def _parameter(found: re.Match[str], hidden: str) -> str:
    if found[1].lower() in _HARMLESS:
        return found[0]
    end = "&" if found[0].endswith("&") else ""
    return f"{found[1]}={hidden}{end}" if hidden else ""


def _word(found: re.Match[str], hidden: str) -> str:
    if found[1] is None:
        return f"{hidden} " if hidden else ""
    if found[1].lower() in _HARMLESS:
        return found[0]
    return f"{found[1]}={hidden} " if hidden else ""


def _secrets(catalog: str) -> Iterator[str]:
    """Values that are not shown, quoted and not, longest first."""
    if _ADDRESS.match(catalog):
        found = [(name, value) for name, value in _PARAMETER.findall(catalog)]
    else:
        words = _WORD.findall(catalog.partition(":")[2])
        found = [(name, value.strip("'") or rest) for name, value, rest in words]
    values = {value for name, value in found if name.lower() not in _HARMLESS and value not in ("", "=")}
    yield from sorted(values, key=len, reverse=True)
