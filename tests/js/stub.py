"""A small server that speaks the inbox to the letter and misbehaves on request; for tests of the phone's side only.

`Stub.moods` is a list of moods for the next POSTs to /inbox (then "fine"): portal, redirect, error, busy, forbidden,
unreadable, big, cut, hang, forget (stores, then cuts the answer). `Stub.stay(mood)` keeps one mood until told otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import pathlib
import socket
import threading
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from webapp.kit.canonical import envelope_digest, poisoned
from webapp.web import assets

HOME = pathlib.Path(__file__).resolve().parents[2]
STATIC = HOME / "static"
BUNDLES = {name: [STATIC / part for part in parts] for name, parts in assets.BUNDLES.items()}
CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ACCOUNT = "019a9f00-0000-7000-8000-000000000001"
OTHER = "019a9f00-0000-7000-8000-000000000002"
DEVICE = "019aa000-0000-7000-8000-0000000000d1"
VISIT = "019aa7b0-1c00-7c55-8f6e-3b9d2a4e6f10"
HOUSE = "019aa7b0-0000-7000-8000-00000000beef"


def bundle(name: str) -> bytes:
    """The concatenation the real server makes, in the order it makes it."""
    return b";\n".join(part.read_bytes() for part in BUNDLES[name])


def raw_to_der(sig: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big"))


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verifies(jwk: dict[str, str], envelope: dict[str, Any]) -> bool:
    """Whether hash and signature of `envelope` are right by this public key."""
    digest = envelope_digest(envelope)
    numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(unb64(jwk[k]), "big") for k in "xy"), ec.SECP256R1())
    try:
        numbers.public_key().verify(raw_to_der(unb64(envelope["sig"])), digest, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return digest.hex() == envelope["hash"]


class Stub:
    """The server's memory; one per test."""

    def __init__(self, pages: dict[str, str] | None = None) -> None:
        self.pages = pages or {}
        self.keys: dict[str, dict[str, str]] = {}
        self.stored: dict[str, dict[str, Any]] = {}
        self.posts: list[tuple[float, str, str]] = []  # when, envelope id, mood
        self.moods: list[str] = []
        self.mood = "fine"
        self.wrong: list[str] = []  # what no phone may ever send
        self.epoch = "e1"
        self.backup_seq = 0
        self.photos: dict[str, bytearray] = {}
        self.pieces: list[tuple[str, int, int]] = []
        self.ill_photo_at = -1
        self.strange_photo = self.no_photos = False
        self.forms: list[tuple[str, str]] = []
        self.slips = {"12345678": ACCOUNT}
        self.lock = threading.Lock()
        self.streams: list[Any] = []
        self.inside = 0
        self.most_inside = 0
        self.slow = 0.0
        self.many, self.takes = False, 20
        self.lots: list[int] = []
        self.unsealed, self.sick = "", ""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def topics(self, topic: str) -> None:
        """Tell every open stream; those that hung up are forgotten."""
        for stream in list(self.streams):
            try:
                stream.write(f"event: {topic}\ndata: {topic}\n\n".encode())
                stream.flush()
            except OSError:
                self.streams.remove(stream)

    def stay(self, mood: str) -> None:
        self.mood = mood

    def receipt(self, envelope: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Store first, judge after: waits for a predecessor, quarantines poison, calls another content a conflict."""
        known = self.stored.get(envelope["id"])
        if known is None:
            self.stored[envelope["id"]] = known = {"envelope": envelope, "seq": len(self.stored) + 1}
        state = (
            "conflict"
            if known["envelope"]["hash"] != envelope["hash"]
            else "quarantined"
            if poisoned(envelope["body"]) or envelope["kind"] == "odd"
            else "waiting"
            if envelope["prev"] and envelope["prev"] not in self.stored
            else "applied"
        )
        return 201, {
            "id": envelope["id"],
            "hash": envelope["hash"],
            "state": state,
            "seq": known["seq"],
            "epoch": self.epoch,
            "audit_head": "00" * 32,
            "backup_seq": self.backup_seq,
            "beacon": f"beacon-{known['seq']}",
            "at": "2026-11-21T00:31:08.000Z",
            "say": "站里已收到",
        }

    def _handler(stub) -> type[http.server.BaseHTTPRequestHandler]:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(
                self,
                status: int,
                body: bytes | str | dict[str, Any] = b"",
                kind: str = "text/html; charset=utf-8",
                **headers: str,
            ) -> None:
                if isinstance(body, dict):
                    body, kind = json.dumps(body), "application/json"
                data = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                headers = {
                    "Content-Type": kind,
                    "Content-Length": str(len(data)),
                    "Content-Security-Policy": CSP,
                    "Cache-Control": "no-store",
                    **{k.replace("_", "-"): v for k, v in headers.items()},
                }
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def body(self) -> bytes:
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def cut(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path == "/live":
                    return self.stream()
                if path in stub.pages:
                    return self.answer(200, stub.pages[path])
                if path[1:] in BUNDLES:
                    return self.answer(200, bundle(path[1:]), "text/javascript; charset=utf-8")
                if path == "/zxing_reader.wasm":
                    return self.answer(200, (STATIC / "vendor/zxing_reader.wasm").read_bytes(), "application/wasm")
                return self.answer(404, "not here")

            def stream(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(b": open\n\n")
                self.wfile.flush()
                stub.streams.append(self.wfile)
                self.close_connection = True
                while self.wfile in stub.streams:
                    time.sleep(0.1)

            def do_POST(self) -> None:
                data = self.body()
                if self.path == "/inbox":
                    return self.inbox(data)
                if self.path == "/inbox/many":
                    return self.many(json.loads(data)["envelopes"]) if stub.many else self.answer(404, "not here")
                if self.path == "/inbox/unseal":
                    return self.answer(200, {"key": stub.unsealed}) if stub.unsealed else self.answer(403, {"say": "no"})
                if self.path == "/devices":
                    return self.device(json.loads(data))
                stub.forms.append((self.path, data.decode()))
                return self.answer(200, "<!doctype html><title>plain</title><h1>plain</h1>")

            def device(self, asked: dict[str, Any]) -> None:
                account = stub.slips.get(asked["slip"])
                if not account:
                    return self.answer(422, {"say": "这个码不对，请问站长"})
                stub.keys[DEVICE] = asked["jwk"]
                return self.answer(
                    201, {"device": DEVICE, "account": account, "beacon": "beacon-0", "epoch": stub.epoch, "backup_seq": 0}
                )

            def many(self, envelopes: list[dict[str, Any]]) -> None:
                if any(envelope["kind"] == stub.sick for envelope in envelopes):
                    return self.answer(500, "oh")
                with stub.lock:
                    stub.lots.append(len(envelopes))
                    taken = envelopes[: stub.takes]
                    for envelope in taken:
                        if envelope["device"] in stub.keys and not verifies(stub.keys[envelope["device"]], envelope):
                            stub.wrong.append(envelope["id"])
                    answers = [{"status": status, **receipt} for status, receipt in map(stub.receipt, taken)]
                return self.answer(200, {"answers": answers})

            def inbox(self, data: bytes) -> None:
                envelope = json.loads(data)
                with stub.lock:
                    mood = stub.moods.pop(0) if stub.moods else stub.mood
                    stub.posts.append((time.monotonic(), envelope["id"], mood))
                    stub.inside += 1
                    stub.most_inside = max(stub.most_inside, stub.inside)
                time.sleep(stub.slow)
                with stub.lock:
                    stub.inside -= 1
                    if envelope["device"] in stub.keys and not verifies(stub.keys[envelope["device"]], envelope):
                        stub.wrong.append(envelope["id"])
                if mood == "portal":
                    return self.answer(200, "<h1>欢迎使用免费无线网</h1>")
                if mood == "redirect":
                    return self.answer(302, "", Location="/login")
                if mood == "error":
                    return self.answer(500, "oh")
                if mood == "busy":
                    return self.answer(503, "", Retry_After="1")
                if mood == "forbidden":
                    return self.answer(403, {"say": "这部手机还没登记"})
                if mood == "unreadable":
                    return self.answer(400, {"say": "看不懂"})
                if mood == "big":
                    return self.answer(413, "too large")
                if mood == "cut":
                    return self.cut()
                if mood == "hang":
                    time.sleep(8)
                    return self.cut()
                with stub.lock:
                    status, receipt = stub.receipt(envelope)
                if mood == "forget":
                    return self.cut()
                return self.answer(status, receipt)

            def named(self, digest: str) -> int | None:
                for row in stub.stored.values():
                    for photo in row["envelope"]["photos"]:
                        if photo["sha256"] == digest:
                            return int(photo["size"])
                return None

            def do_HEAD(self) -> None:
                digest = self.path.rsplit("/", 1)[-1]
                if self.named(digest) is None:
                    return self.answer(404)
                return self.answer(200, b"", Upload_Offset=str(len(stub.photos.get(digest, b""))))

            def do_PUT(self) -> None:
                digest, data = self.path.rsplit("/", 1)[-1], self.body()
                if stub.no_photos:
                    return self.cut()
                if stub.strange_photo:
                    stub.strange_photo = False
                    return self.answer(400, "<h1>a gateway's word</h1>")
                size, at = self.named(digest), int(self.headers["Upload-Offset"])
                if size is None:
                    return self.answer(404)
                held = stub.photos.setdefault(digest, bytearray())
                stub.pieces.append((digest, at, len(data)))
                if at != len(held):
                    return self.answer(409, b"", Upload_Offset=str(len(held)))
                held += data
                if stub.ill_photo_at == len(stub.pieces):
                    return self.answer(500, "stored, but nobody hears of it")
                if len(held) == size and hashlib.sha256(held).hexdigest() != digest:
                    held.clear()
                    return self.answer(422, {"say": "照片没传好"})
                return self.answer(200, b"", Upload_Offset=str(len(held)))

            def log_message(self, *args: object) -> None:
                pass

        return Handler
