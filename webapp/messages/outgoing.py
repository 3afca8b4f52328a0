"""The ways out of the house: an SMS gateway or the webhook of a group robot, and push services. The only module that speaks
HTTP outwards.

What goes out is generic text; nothing about a resident ever does. Never called inside a transaction.
"""

from __future__ import annotations

import json
import socket
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from webapp.kit.settings import ROBOT, Settings

SOCKET_S, WHOLE_S = 4.0, 8.0
"""Seconds for one step of the line, and for all of it: a gateway that answers byte by byte is no answer."""
LARGEST = 65_536
FAILS = (OSError, HTTPException, ValueError)


def post(chosen: Settings, phone: str | None, text: str) -> str | None:
    """Send `text` (to `phone`, where the adapter is an SMS gateway); what was wrong in a few words, None when it went."""
    if chosen.outgoing != ROBOT and not phone:
        return "no number"
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if chosen.outgoing_key:
        headers["Authorization"] = f"Bearer {chosen.outgoing_key}"
    try:
        status, answer = _ask(chosen.outgoing_url, _body(chosen, phone, text), headers)
    except FAILS as error:
        return _said(error)
    return _wrong(status, answer)


def push(endpoint: str, headers: dict[str, str]) -> tuple[int, str | None]:
    """Ring at a browser's push address, without a word: (HTTP status or 0, what was wrong or None)."""
    try:
        status, _answer = _ask(endpoint, b"", headers)
    except FAILS as error:
        return 0, _said(error)
    return status, None if 200 <= status < 300 else f"HTTP {status}"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _body(chosen: Settings, phone: str | None, text: str) -> bytes:
    told = {"msgtype": "text", "text": {"content": text}} if chosen.outgoing == ROBOT else {"to": phone, "text": text}
    return json.dumps(told, ensure_ascii=False).encode()


def _ask(address: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    url = urlsplit(address)
    line = (HTTPSConnection if url.scheme == "https" else HTTPConnection)(url.hostname or "", url.port, timeout=SOCKET_S)
    rang = threading.Event()
    bell = threading.Timer(WHOLE_S, _hang_up, [line, rang])
    bell.start()
    try:
        line.request("POST", (url.path or "/") + (f"?{url.query}" if url.query else ""), body, {"Connection": "close"} | headers)
        answer = line.getresponse()
        told = answer.read(LARGEST)
        if rang.is_set():
            raise TimeoutError("no whole answer")  # what came before the bell may look like a short one
        return answer.status, told
    finally:
        bell.cancel()
        line.close()


def _hang_up(line: HTTPConnection, rang: threading.Event) -> None:
    rang.set()
    if line.sock is not None:
        try:
            line.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _wrong(status: int, answer: bytes) -> str | None:
    """Robots answer 200 to everything and say inside whether they took it: errcode or code, 0 when they did."""
    if not 200 <= status < 300:
        return f"HTTP {status}"
    try:
        told = json.loads(answer)
    except ValueError:
        return None
    code = next((told[name] for name in ("errcode", "code") if name in told), 0) if isinstance(told, dict) else 0
    return None if code in (0, "0", 200, "200", "OK") else f"code {code}"
