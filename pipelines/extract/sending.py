"""A request as it stands on the wire, and what went wrong on the way as an error of ours. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
from pydantic import BaseModel

from pipelines.errors import ArchiveError, BadInput, Interrupted, Unfamiliar, Unreachable
from pipelines.extract.endpoints import Endpoint
from pipelines.extract.queries import encode_query, with_parameter
from pipelines.extract.signing import Signer
from schemas.requests import Request, as_text

_NO_LINK = "the link is no web address; copy it again from Douyin's share menu"


def wire_of(params: BaseModel | Mapping[str, Any]) -> dict[str, str]:
    """Names and values of any request model or dict, in order and as text, not yet percent-encoded.

    TypeError for anything else.
    """
    if isinstance(params, Request):
        return params.wire()
    values = params.model_dump() if isinstance(params, BaseModel) else params
    if not isinstance(values, Mapping):
        raise TypeError(f"params must be a request model or a dict, not {type(params).__name__}")
    return {str(name): as_text(value) for name, value in values.items()}


def request_of(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    values: Mapping[str, str],
    headers: Mapping[str, str],
    signer: Signer,
    user_agent: str,
) -> httpx.Request:
    """The request of an endpoint, encoded first and signed after, so that what is signed is what is sent."""
    query, body = encode_query(values), body_of(endpoint, values)
    if endpoint.signed:
        query = with_parameter(query, *signer.sign(query, body or b"", endpoint.method, user_agent))
    sent = dict(headers)
    if body is not None:
        sent["Content-Type"] = "application/json"
    # `target` is the request line's own bytes: whatever the URL type makes of the query, these are sent.
    return client.build_request(
        endpoint.method,
        f"{endpoint.url}?{query}",
        headers=sent,
        content=body,
        extensions={"target": f"{endpoint.path}?{query}".encode("ascii")},
    )


def body_of(endpoint: Endpoint, values: Mapping[str, str]) -> bytes | None:
    """The JSON body of a POST; None where the request has none."""
    if endpoint.body_fields is None:
        return None
    fields = {name: values[name] for name in endpoint.body_fields if name in values}
    return orjson.dumps({name: int(value) if value.isdecimal() else value for name, value in fields.items()})


def hop_request(client: httpx.AsyncClient, url: str) -> httpx.Request:
    """The request for one hop of a short link: no cookie, no token. BadInput where the link is no address."""
    try:
        request = client.build_request("GET", url, headers={"Accept": "text/html,*/*"})
    except (httpx.InvalidURL, ValueError) as error:
        raise BadInput(_NO_LINK) from error
    if request.url.scheme not in ("http", "https") or not request.url.host:
        raise BadInput(_NO_LINK)
    return request


def error_of(error: Exception) -> ArchiveError:
    """What an error of the HTTP library means; no address enters the message, since addresses carry tokens."""
    name = type(error).__name__
    if isinstance(error, httpx.InvalidURL):  # raised while sending, it is about an answer's Location, never our address
        return Unfamiliar("Douyin's answer leads to something that is no address; run again later")
    if isinstance(error, httpx.UnsupportedProtocol):
        return BadInput(f"the address cannot be asked ({name}); it must begin with https:// and name a host")
    if isinstance(error, httpx.ProxyError):
        return Unreachable(f"the proxy does not let us through ({name}); check the setting `proxy`")
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | httpx.PoolTimeout):
        return Unreachable(f"no connection to Douyin ({name}); check the network, and `upstream` where it is set")
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"Douyin did not answer in time ({name}); try again later, or raise the setting `timeout`")
    return Interrupted(f"Douyin's answer broke off ({name}); try again")
