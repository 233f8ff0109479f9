"""The made-up Douyin on a loopback port, served by uvicorn in a thread of its own."""

from __future__ import annotations

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
        self._host, self._port = host, port
        config = uvicorn.Config(
            self.app,
            host=host,
            port=port,
            # Answers that break off on purpose would be told of as errors.
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
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, name="made-up Douyin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"the simulator did not start on port {self._port}; is another program using it?")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The address that stands in for every Douyin host."""
        return f"http://{self._host}:{self.port}"

    @property
    def log(self) -> list[Record]:
        """What was asked so far, in order."""
        return self.app.log

    def add_fault(self, script: str | Fault) -> None:
        """Add a fault while it runs."""
        self.app.add_fault(script)

    def wait(self) -> None:
        """Wait until it ends, or for Ctrl-C."""
        self._thread.join()

    def stop(self) -> None:
        """End the server and its thread."""
        self._server.should_exit = True
        self._thread.join(timeout=_START_S)
