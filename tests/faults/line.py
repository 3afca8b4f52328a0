"""The line between phones and server: an asyncio proxy that cuts at random bytes, is slow, silent, or somebody else's portal."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass

PORTAL = b"<!doctype html><title>Wi-Fi</title><p>Please sign in to this network."


def _answer(status: str, kind: str, body: bytes = b"", more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\n{more}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )


ANSWERS = {
    "portal": _answer("200 OK", "text/html", PORTAL),
    "redirect": _answer("302 Found", "text/html", more="Location: http://login.example/\r\n"),
    "stranger403": _answer("403 Forbidden", "text/html", PORTAL),
    "gateway": _answer("502 Bad Gateway", "text/html"),
    "unreadable": _answer("422 Unprocessable Content", "application/json", b'{"say": "broken"}'),
    "stale": _answer("200 OK", "application/json", b'{"ok": true}'),
}
"""What stands in the way may answer instead of the server."""


@dataclass
class Mood:
    """How the line is at the moment. Shares are of new connections."""

    cut: float = 0.0
    """Cut after a random number of bytes, either way."""
    delay_s: float = 0.0
    rate: int = 0
    """Bytes a second; 0: as fast as it goes."""
    silent: bool = False
    """Takes everything and answers nothing."""
    dead: bool = False
    """Nobody there."""
    instead: str = ""
    """A key of ANSWERS."""


class Line:
    """The proxy, in a thread of its own; `mood` may be changed at any time."""

    def __init__(self, to_port: int, seed: int = 1) -> None:
        self.to_port, self.draw, self.mood, self.port, self.cuts = to_port, random.Random(seed), Mood(), 0, 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(30)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._joined, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    def close(self) -> None:
        """Hang up for good."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut_all(self) -> None:
        """Break every connection there is."""
        self._loop.call_soon_threadsafe(lambda: [self._cut(each) for each in list(self._open)])

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mood = self.mood
        self._open.add(writer)
        try:
            if mood.dead:
                self._cut(writer)
            elif mood.silent:
                await asyncio.wait_for(self._swallow(reader), 60)
            elif mood.instead:
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                writer.write(ANSWERS[mood.instead])
                await writer.drain()
            else:
                await self._join(reader, writer, mood)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while self.mood.silent and await reader.read(65536):
            pass

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mood: Mood) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        self._open.add(their_writer)
        cut_at = int(self.draw.expovariate(1 / 1500)) if self.draw.random() < mood.cut else -1
        budget = [cut_at]
        both = (writer, their_writer)
        try:
            await asyncio.gather(
                self._pump(reader, their_writer, mood, budget, both), self._pump(their_reader, writer, mood, budget, both)
            )
        finally:
            self._open.discard(their_writer)
            their_writer.close()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mood: Mood,
        budget: list[int],
        both: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        while data := await reader.read(16384):
            if mood.delay_s:
                await asyncio.sleep(mood.delay_s)
            if mood.rate:
                await asyncio.sleep(len(data) / mood.rate)
            if budget[0] >= 0:
                budget[0] -= len(data)
                if budget[0] < 0:
                    writer.write(data[: max(0, budget[0] + len(data))])
                    self.cuts += 1
                    for each in both:
                        self._cut(each)
                    return
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    @staticmethod
    def _cut(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
