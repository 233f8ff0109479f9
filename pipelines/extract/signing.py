"""Signatures of requests: the Signer that the crawler is given, and XBogusManager over it. No I/O here.

Douyin changes its algorithm more often than releases appear, so the crawler only knows `Signer`: query, body, method
and User-Agent in, a name and a value out. Built in are X-Bogus (`xbogus.py`) and a_bogus (`abogus.py`); a setting
`module:attribute` brings one of the user's own.

Two rules keep a signature true. A signature covers everything that stands before it, so it is the last parameter. And
it covers bytes: the query is percent-encoded first (`encode_query`), signed as it then stands, and sent as it was
signed. Earlier clients signed plain text and left the encoding to their HTTP library; the server then saw other bytes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol, overload, runtime_checkable

from pipelines.errors import BadInput
from pipelines.extract.abogus import ABOGUS_VARIANTS, ABogusSigner
from pipelines.extract.queries import encode_query, encode_raw, with_parameter
from pipelines.extract.xbogus import XBOGUS_VARIANTS, XBogusSigner
from schemas.settings import DEFAULT_USER_AGENT

__all__ = [
    "ABOGUS_VARIANTS",
    "DEFAULT_USER_AGENT",
    "XBOGUS_VARIANTS",
    "ABogusSigner",
    "NoSigner",
    "Signer",
    "XBogusManager",
    "XBogusSigner",
    "encode_query",
    "signed_query",
    "signer_from",
]

_OWN = "write it as module:attribute, where the attribute has sign(query, body, method, user_agent) -> (name, value)"


@runtime_checkable
class Signer(Protocol):
    """Signs a percent-encoded query: the name and the value of the parameter to append; no name, no parameter."""

    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        """Name and value of the signature of `query` exactly as it will stand on the wire."""
        ...


class NoSigner:
    """Signs nothing; for services that ask for no signature."""

    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        """No name and no value."""
        del query, body, method, user_agent
        return "", ""


def signed_query(signer: Signer, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> str:
    """The percent-encoded query with its signature as the last parameter: send exactly this."""
    return with_parameter(query, *signer.sign(query, body, method, user_agent))


def signer_from(name: str, *, now: Callable[[], float] = time.time, rng: Callable[[], float] = random.random) -> Signer:
    """The signer that a setting names.

    `name` is xbogus, xbogus:VARIANT, abogus, abogus:VARIANT, none, or module:attribute of the user's own (a Signer, or
    a class of one that needs no arguments). `now` gives unix seconds, `rng` numbers in [0, 1). BadInput where there is
    no such signer.
    """
    kind, _, rest = name.strip().partition(":")
    if kind == "xbogus":
        return XBogusSigner(rest or XBOGUS_VARIANTS[0], now=now)
    if kind == "abogus":
        return ABogusSigner(rest or ABOGUS_VARIANTS[0], now=now, rng=rng)
    if kind == "none" and not rest:
        return NoSigner()
    if not kind or not rest:
        raise BadInput(f"There is no signer {name!r}; choose xbogus, abogus or none, or {_OWN}.")
    return _Foreign(name, _loaded(name, kind, rest))


def _loaded(name: str, module: str, attribute: str) -> Signer:
    try:
        made: Any = import_module(module)
        for part in attribute.split("."):
            made = getattr(made, part)
        signer = made() if isinstance(made, type) else made
    except Exception as error:  # the user's own module may fail in any way
        raise BadInput(f"The signer {name!r} cannot be loaded ({type(error).__name__}: {error}); {_OWN}.") from error
    if not callable(getattr(signer, "sign", None)):
        raise BadInput(f"The signer {name!r} has no sign method; {_OWN}.")
    return signer  # type: ignore[no-any-return]  # what it gives back is checked at every call


class _Foreign:
    """A signer of the user's own, whose answers are checked."""

    def __init__(self, name: str, signer: Signer) -> None:
        self._name = name
        self._signer = signer

    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        """What the user's signer says; BadInput where that is not two texts."""
        said: Any = self._signer.sign(query, body, method, user_agent)
        match said:
            case (str(name), str(value)):
                return name, value
        raise BadInput(f"The signer {self._name!r} gave {type(said).__name__}, not (name, value); {_OWN}.")


class _Model(Protocol):
    def model_dump(self) -> dict[str, Any]: ...


class XBogusManager:
    """Addresses signed with X-Bogus, under the names that the interface list gives.

    The signature covers the User-Agent: send the request with the one given here (DEFAULT_USER_AGENT if none is).
    """

    @classmethod
    def to_complete_endpoint(
        cls,
        base_endpoint: str,
        params: Mapping[str, Any] | _Model,
        *,
        user_agent: str = DEFAULT_USER_AGENT,
        now: Callable[[], float] = time.time,
    ) -> str:
        """The address with `params` (a dict or a pydantic model) percent-encoded and signed.

        A query that `base_endpoint` already has is signed with them. TypeError for arguments of another type.
        """
        values = _as_mapping(params)
        base, _, present = _without_fragment(base_endpoint).partition("?")
        query = "&".join(part for part in (encode_raw(present), encode_query(values)) if part)
        return f"{base}?{signed_query(XBogusSigner(now=now), query, user_agent=user_agent)}"

    @overload
    @classmethod
    def model_2_endpoint(cls, base_endpoint: str, params: Mapping[str, Any] | _Model, /) -> str: ...

    @overload
    @classmethod
    def model_2_endpoint(cls, user_agent: str, base_endpoint: str, params: Mapping[str, Any] | _Model, /) -> str: ...

    @overload
    @classmethod
    def model_2_endpoint(
        cls, *, base_endpoint: str, params: Mapping[str, Any] | _Model, user_agent: str = DEFAULT_USER_AGENT
    ) -> str: ...

    @classmethod
    def model_2_endpoint(cls, *args: Any, **kwargs: Any) -> str:
        """`to_complete_endpoint` by F2's later name; called with (user_agent, base_endpoint, params) too."""
        if len(args) == 3:
            args, kwargs = args[1:], {**kwargs, "user_agent": args[0]}
        return cls.to_complete_endpoint(*args, **kwargs)

    @classmethod
    def str_2_endpoint(
        cls, endpoint: str, *, user_agent: str = DEFAULT_USER_AGENT, now: Callable[[], float] = time.time
    ) -> str:
        """A query, or a whole address, with its signature appended; only illegal characters are percent-encoded."""
        base, mark, query = _without_fragment(endpoint).partition("?")
        if not mark and "://" not in base:
            base, query = "", base
        signed = signed_query(XBogusSigner(now=now), encode_raw(query), user_agent=user_agent)
        return f"{base}?{signed}" if base else signed


def _without_fragment(address: str) -> str:
    if not isinstance(address, str):
        raise TypeError(f"the address must be a str, not {type(address).__name__}")
    return address.partition("#")[0]


def _as_mapping(params: Mapping[str, Any] | _Model) -> Mapping[str, Any]:
    if isinstance(params, Mapping):
        return params
    dump = getattr(params, "model_dump", None)
    if isinstance(params, type) or not callable(dump):
        raise TypeError(f"params must be a dict or a request model, not {type(params).__name__}")
    values: dict[str, Any] = dump()
    return values
