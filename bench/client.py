"""A closed loop of a few connections: prepared bytes out, status and time in. Cheap, so that the servers get the cores."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice


@dataclass
class Run:
    """What one round saw: answers by status, seconds it took, and the milliseconds of each."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    waits_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.waits_ms) / self.seconds


def request(method: str, path: str, cookie: str = "", body: bytes = b"", kind: str = "application/json") -> bytes:
    """One request on a kept connection, as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/html", "Accept-Language: zh"]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if method == "POST" else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Wire:
    """One connection: what it waits for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got, self.wanted, self.began = b"", -1, 0.0

    def send(self, data: bytes) -> None:
        """Ask."""
        self.got, self.wanted, self.began = b"", -1, time.perf_counter()
        self.socket.sendall(data)

    def done(self) -> int | None:
        """The status once the whole answer is there."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise ConnectionError("the server hung up")
        self.got += chunk
        if self.wanted < 0 and (end := self.got.find(b"\r\n\r\n")) >= 0:
            self.wanted = end + 4 + _length(self.got[:end])
        return int(self.got[9:12]) if 0 <= self.wanted <= len(self.got) else None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0


def drive(port: int, requests: Sequence[bytes], *, times: int, connections: int = 8) -> Run:
    """Send `times` requests, round and round, each connection asking anew as soon as it is answered."""
    run, waiting = Run(), iter(islice(cycle(requests), times))
    with selectors.DefaultSelector() as selector:
        wires = [Wire(port) for _ in range(connections)]
        began = time.perf_counter()
        for wire in wires:
            _next(wire, waiting, selector)
        while selector.get_map():
            for key, _mask in selector.select(30):
                wire = key.data
                status = wire.done()
                if status is not None:
                    run.statuses[status] = run.statuses.get(status, 0) + 1
                    run.waits_ms.append((time.perf_counter() - wire.began) * 1000)
                    selector.unregister(wire.socket)
                    _next(wire, waiting, selector)
        run.seconds = time.perf_counter() - began
        for wire in wires:
            wire.socket.close()
    return run


def _next(wire: Wire, waiting: Iterable[bytes], selector: selectors.BaseSelector) -> None:
    data = next(iter(waiting), None)
    if data is not None:
        wire.send(data)
        selector.register(wire.socket, selectors.EVENT_READ, wire)
