"""The made-up Douyin on a loopback port, served by uvicorn in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterable
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn

from deployments.simulator.app import Record, SimulatorApp, make_app
from deployments.simulator.faults import Fault
from deployments.simulator.world import World

_START_S = 10.0


def _is_no_break(record: logging.LogRecord) -> bool:
    """Answers that break off on purpose are no errors to tell of."""
    return "Exception in ASGI application" not in record.getMessage()


class Simulator:
    """A context manager; inside it `url` is what AWEME_UPSTREAM wants. Port 0 takes any free one."""

    def __init__(
        self,
        world: World | None = None,
        port: int = 0,
        *,
        faults: Iterable[str | Fault] = (),
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
    ) -> None:
        self.world = world or World()
        self.app: SimulatorApp = make_app(self.world, faults=faults, clock=clock)
        self._address = (host, port)
        config = uvicorn.Config(
            self.app,
            log_level="critical",
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            # h11 everywhere: the same bytes on the wire whatever else is installed.
            http="h11",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        # A filter, since whoever sets up logging later (Prefect does) sets the levels anew.
        logging.getLogger("uvicorn.error").addFilter(_is_no_break)
        self._server = uvicorn.Server(config)
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        # Bound here, for uvicorn ends the process where a port is taken.
        listener = _bound(self._address)
        self._address = listener.getsockname()
        self._thread = Thread(target=asyncio.run, args=(self._serve(listener),), name="made-up Douyin", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the simulator did not start; is this machine very busy?")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._address[1]

    @property
    def url(self) -> str:
        """The address that stands in for every Douyin host."""
        return f"http://{self._address[0]}:{self.port}"

    @property
    def log(self) -> list[Record]:
        """What was asked so far, in order."""
        return self.app.log

    def add_fault(self, script: str | Fault) -> None:
        """Add a fault while it runs."""
        self.app.add_fault(script)

    def wait(self) -> None:
        """Wait until it ends, or for Ctrl-C."""
        if self._thread is not None:
            self._thread.join()

    async def _serve(self, listener: socket.socket) -> None:
        await self._server.serve([listener])
        # Whoever is still being answered when the grace is over is cut off; uvicorn would leave the socket open.
        for connection in list(self._server.server_state.connections):
            if (transport := connection.transport) is not None:
                transport.abort()
        await asyncio.sleep(0)

    def stop(self) -> None:
        """End the server and its thread."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=_START_S)


def _bound(address: tuple[str, int]) -> socket.socket:
    # Said to be TCP's, or asyncio leaves Nagle's algorithm on: the end of each answer on a kept connection would wait
    # 40 ms for the client to acknowledge its beginning, which no host of Douyin's does.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        host, port = address
        raise RuntimeError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another port, or 0 for any"
        ) from error
    return listener
