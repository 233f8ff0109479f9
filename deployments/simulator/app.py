"""The made-up Douyin as an ASGI app: reads a request, plays faults, minds the gates, calls the handler, keeps the log.

One app stands for all hosts and goes by the Host header. No I/O of its own: a server or a test transport does it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from deployments.simulator.broken import answer, fault_for, spoil
from deployments.simulator.faults import Fault, parse, parse_all
from deployments.simulator.gates import GATES, NOT_ACCEPTED, refusal
from deployments.simulator.http import BadNumberError, Handler, Request, Response, json_response, params_of
from deployments.simulator.routes import methods_at, not_found, operation_at, page_handler, routes
from deployments.simulator.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_BODILESS = (204, 304)


@dataclass(slots=True)
class Record:
    """One request as it came and what became of it; `status` is 0 until the answer begins, `note` says why not."""

    time: float
    host: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    operation: str
    status: int = 0
    note: str = ""
    ended: float | None = None


class SimulatorApp:
    """The app; `log` holds a Record per request in the order they came, `faults` may be changed at any time."""

    def __init__(self, world: World, faults: Iterable[str | Fault], clock: Callable[[], float]) -> None:
        self.world = world
        self.clock = clock
        self.faults = parse_all(faults)
        self.log: list[Record] = []
        self.state: dict[str, Any] = {}
        self._routes = routes()
        self._asked: dict[str, int] = {}

    def add_fault(self, script: str | Fault) -> None:
        """Add a fault; its numbers count requests since the app began."""
        self.faults.append(script if isinstance(script, Fault) else parse(script))

    def requests_to(self, operation: str) -> list[Record]:
        """The log of one operation."""
        return [record for record in self.log if record.operation == operation]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of traffic are declined."""
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return None
        request = await _request(scope, receive)
        operation, handler = self._find(request)
        record = Record(
            self.clock(), request.host, request.method, request.path, request.query.decode("latin-1"),
            request.headers, request.body, operation,
        )  # fmt: skip
        self.log.append(record)
        response = await self._answer(request, record, handler)
        record.status = response.status
        try:
            await _send(response, request, send)
        finally:
            record.ended = self.clock()
        return None

    def _find(self, request: Request) -> tuple[str, Handler]:
        path = request.path if request.path.endswith("/") else request.path + "/"
        handler = self._routes.get((request.host, path)) or self._routes.get((request.host, request.path))
        gate = GATES.get((request.host, path))
        if gate is not None:
            return gate.operation, handler or not_found
        return operation_at(request.host, path), handler or page_handler(request.host, request.path)

    async def _answer(self, request: Request, record: Record, handler: Handler) -> Response:
        number = self._asked[record.operation] = self._asked.get(record.operation, 0) + 1
        fault = fault_for(self.faults, record.operation, number)
        if fault is not None:
            record.note = f"fault {fault.kind}"
            if fault.kind == "slow":
                await asyncio.sleep(float(fault.argument))
            instead = answer(fault, request)
            if instead is not None:
                return instead
        path = request.path if request.path.endswith("/") else request.path + "/"
        gate = GATES.get((request.host, path))
        refused = refusal(gate, request, self.world, self.clock()) if gate else None
        if gate is None and handler is not not_found and request.method not in methods_at(request.host):
            refused = Response(405), f"method is not {' or '.join(methods_at(request.host))}"
        if refused is not None:
            record.note = refused[1]
            return refused[0]
        try:
            response = await handler(request, self)
        except BadNumberError as error:
            record.note = f"{error} is no number"
            return json_response(NOT_ACCEPTED)
        return spoil(fault, response) if fault else response


def make_app(
    world: World, *, faults: Iterable[str | Fault] = (), clock: Callable[[], float] = time.time
) -> SimulatorApp:
    """An app for a world; `clock` gives unix seconds and decides about signatures and expiry."""
    return SimulatorApp(world, faults, clock)


async def _request(scope: Scope, receive: Receive) -> Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        # HTTP/2 splits cookies over several headers; elsewhere a repeated header is a list.
        glue = "; " if key == "cookie" else ", "
        headers[key] = f"{headers[key]}{glue}{value.decode('latin-1')}" if key in headers else value.decode("latin-1")
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    host = headers.get("host", "").partition(":")[0].lower()
    query = scope["query_string"]
    return Request(scope["method"], host, scope["path"], query, headers, bytes(body), params_of(query))


async def _send(response: Response, request: Request, send: Send) -> None:
    body = response.body
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    has_length = any(name == "content-length" for name, _ in response.headers)
    is_told = request.method != "HEAD"  # of a body that is not sent, nobody but its handler knows the length
    if isinstance(body, bytes) and not has_length and is_told and response.status not in _BODILESS:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if request.method != "HEAD" and not isinstance(body, bytes):
        # Each chunk goes out as it comes, for half an answer must really arrive before it breaks off.
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": body if isinstance(body, bytes) else b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
