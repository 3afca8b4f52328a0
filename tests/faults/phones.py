"""Phones as docs/protocol.md wants them, in Python: an outbox that survives, chains, a gapless counter, only receipts count.

One phone is one thread. Its volatile half may be lost at any moment; `rows` and `photos` are what IndexedDB would hold.
A year of waiting is compressed: every pause of the protocol is taken a hundredth as long.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from PIL import Image

from tests.faults.stage import Home
from tests.store.kit import Phone
from webapp.kit import clock, ids

STATES = ("applied", "waiting", "quarantined", "conflict")
HELD = {400: "unreadable", 422: "unreadable", 403: "device", 413: "big"}
QUICK = 0.01
"""Of the protocol's pauses."""
PIECE = 8 * 1024
LIMIT_S = 15
"""After so long a connection counts as hung: half of the protocol's, for a compressed life."""
OPEN = ("queued", "sending")


@dataclass
class Row:
    """One envelope in the outbox."""

    n: int
    envelope: dict[str, Any]
    state: str = "queued"
    why: str = ""
    tries: int = 0
    next_at: float = 0.0
    receipt: dict[str, Any] | None = None
    hasty: bool = False
    """Of a chain whose later acts are offered first."""

    @property
    def id(self) -> str:
        """The envelope's."""
        return str(self.envelope["id"])

    @property
    def still_offered(self) -> bool:
        """Whether the server is told of it again: it has not acknowledged it, or waits for another."""
        return self.state in (*OPEN, "waiting") or (self.state == "held" and self.receipt is None)

    @property
    def chain(self) -> str:
        """What it holds up when it does not get through."""
        return self.envelope["chain"] or self.id


@dataclass
class Picture:
    """One photo in the outbox."""

    sha256: str
    data: bytes
    state: str = "queued"


@dataclass
class History:
    """All that ever happened on one phone: what the checker believes."""

    made: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    shown_sent: set[tuple[str, str]] = field(default_factory=set)
    """(id, hash) that the phone ever showed as arrived."""
    wiped: set[tuple[str, str]] = field(default_factory=set)
    """Never delivered as far as the phone knew, and gone with it."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    pictures_sent: set[str] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)
    """Status, or what else became of a try, and how often."""
    posts: int = 0
    waits_ms: list[float] = field(default_factory=list)


class Handset:
    """A caregiver's phone. `seed` decides everything but the network."""

    def __init__(
        self,
        home: Home,
        port: int,
        seed: int,
        *,
        photos: float = 0.15,
        hasty: float = 0.2,
        twins: float = 0.01,
        amounts: Sequence[int] = range(1, 100_000),
    ) -> None:
        self.home, self.port, self.draw = home, port, random.Random(seed)
        self.photo_share, self.hasty_share, self.twin_share, self.amounts = photos, hasty, twins, amounts
        self.history, self.keeping, self.sending = History(), threading.RLock(), threading.Lock()
        self.gen = 0
        self.clock_off = timedelta(0)
        self.fails, self.rest = 0, 0.0
        self.connection: http.client.HTTPConnection | None = None
        self.first_visit = True
        self._fresh()

    def _fresh(self) -> None:
        """An empty phone with the next enrolled key."""
        self.signer: Phone = self.home.devices[self.gen]
        self.gen += 1
        self.rows: list[Row] = []
        self._open: list[Row] = []
        """Those of `rows` that are still to be offered: a long life has many that are not."""
        self.photos: dict[str, Picture] = {}
        self.twins: list[Row] = []
        self.n, self.epoch, self.beacon, self.last_of = 0, None, None, dict[str, str]()

    # -- keeping --

    def keep(
        self, kind: str, body: dict[str, Any], *, chain: str | None = None, photo: bytes | None = None, hasty: bool = False
    ) -> Row:
        """Seal one act and put it into the outbox; under the lock `keep`, or two quick taps would share a counter."""
        with self.keeping:
            named = [self._picture(photo, "photo" if kind == "logs.write" else "receipt")] if photo else []
            envelope = self.signer.seal(
                kind, body, app="phones", gen=self.gen, chain=chain, prev=self.last_of.get(chain or ""), beacon=self.beacon,
                made_at=self.clock(), mono_ms=int(time.monotonic() * 1000) % 2**31, photos=named,
            )  # fmt: skip
            if chain:
                self.last_of[chain] = envelope["id"]
            self.n += 1
            row = Row(self.n, envelope, hasty=hasty)
            self.history.made.append(envelope)
            self.rows.append(row)
            self._open.append(row)
            return row

    def forget(self, row: Row) -> None:
        """Take a record off the phone. A right phone never does."""
        with self.keeping:
            self.rows = [each for each in self.rows if each is not row]
            self._open = [each for each in self._open if each is not row]

    def clock(self) -> str:
        """The phone's wall clock on the wire, right or not."""
        return clock.to_wire(clock.now() + self.clock_off)

    def _picture(self, data: bytes, name: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(data).hexdigest()
        self.photos.setdefault(sha256, Picture(sha256, data))
        self.history.pictures[sha256] = data
        return {"field": name, "sha256": sha256, "size": len(data), "type": "image/jpeg"}

    def twin(self, row: Row) -> None:
        """The same id with another content, from a second tab with the same draft: both must be kept."""
        body = row.envelope["body"] | {"words": "另一页写的"}
        with self.keeping:
            before = self.signer.dseq
            self.signer.dseq = row.envelope["dseq"] - 1
            changes = {name: row.envelope[name] for name in ("id", "app", "gen", "chain", "prev", "beacon", "made_at", "photos")}
            made = self.signer.seal(row.envelope["kind"], body, **changes)
            self.signer.dseq = before
            self.history.made.append(made)
            self.twins.append(Row(row.n, made))

    def visit(self) -> Iterator[None]:
        """One visit, act by act: arrive, what was done, the diary, money in and out, leave."""
        home, draw, hasty = self.home, self.draw, self.draw.random() < self.hasty_share
        chain = str(home.planned if self.first_visit else ids.new())
        whose: dict[str, Any] = {"shift": str(home.shift)} if self.first_visit else {}
        self.first_visit = False
        place = {"lat_e6": home.lat_e6, "lon_e6": home.lon_e6, "accuracy_m": 12, "fix_age_ms": 900, "place_state": "ok"}
        scan = {"visit": chain, "token": home.token, "method": "scan", **place}
        here = {"household": str(home.household), "visit": chain}
        self.keep("visits.arrive", scan | {"household": str(home.household)} | whose, chain=chain, hasty=hasty)
        yield
        self.keep("visits.services", {"visit": chain, "done": ["MEAL-01", "MIND-01"], "refused": []}, chain=chain, hasty=hasty)
        yield
        for n in range(draw.choice((1, 1, 2))):
            words = {"visit": chain, "mood": "good", "story": f"第{n}次写，{draw.random()}"}
            self.keep("logs.write", words, chain=chain, photo=self._maybe_photo(), hasty=hasty)
            yield
        for _ in range(draw.choice((1, 1, 2, 3))):
            row = self._money(here)
            if draw.random() < self.twin_share:
                self.twin(row)
            yield
        self.keep("visits.leave", scan, chain=chain, hasty=hasty)
        yield

    def _money(self, here: dict[str, str]) -> Row:
        fen, source = self.draw.choice(self.amounts), self.draw.choice(("cash", "advance", "wallet"))
        if self.draw.random() < 0.3:
            return self.keep("ledger.receive", here | {"amount_fen": fen, "category": "IN-FAM", "source": source})
        spent = here | {"amount_fen": fen, "category": "EX-VEG", "source": source, "things": ["白菜"], "words": "菜场"}
        return self.keep("ledger.spend", spent, photo=self._maybe_photo())

    def _maybe_photo(self) -> bytes | None:
        if self.draw.random() >= self.photo_share:
            return None
        image = Image.frombytes("RGB", (8, 8), self.draw.randbytes(192)).resize((96, 96), Image.Resampling.NEAREST)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=95)
        return out.getvalue() + self.draw.randbytes(self.draw.choice((0, 0, 9000)))

    # -- what befalls it --

    def wipe(self) -> None:
        """The phone is lost or reset; its successor is enrolled anew and knows nothing."""
        with self.sending, self.keeping:
            gone = [row for row in self.rows + self.twins if row.receipt is None]
            self.history.wiped |= {(row.id, row.envelope["hash"]) for row in gone}
            self._fresh()

    def crash(self) -> None:
        """The app is killed: the volatile half is gone, the outbox stays."""
        with self.sending:
            self._hang_up()
            self.fails, self.rest = 0, 0.0

    def sign_out(self) -> None:
        """Another sign-in or none: nothing of what is unsent may change."""

    @property
    def at_rest(self) -> bool:
        """Whether it is lost without harm to what was acknowledged: it is not in the middle of offering again."""
        known = {(receipt["id"], receipt["hash"]) for receipt in self.history.receipts}
        return not any((row.id, row.envelope["hash"]) in known for row in self.rows + self.twins if row.receipt is None)

    @property
    def unsent(self) -> list[Row]:
        """What the server has not acknowledged, and what it has and waits for another."""
        return [row for row in self._open + self.twins if row.receipt is None or row.state == "waiting"]

    @property
    def unsent_photos(self) -> list[str]:
        """Photos that have not arrived."""
        return [each.sha256 for each in self.photos.values() if each.state != "delivered"]

    # -- sending --

    def flush(self, *, press: bool = False) -> None:
        """Go once through the outbox as static/js/send.js does. `press`: the button, which does not wait."""
        if not press and time.monotonic() < self.rest:
            return
        with self.sending:
            self._round(press)

    def _round(self, press: bool) -> None:
        stepped: set[str] = set()
        missed: list[Row] = []
        passed = inarow = 0
        for row in self._due():
            if row.chain in stepped:
                continue
            if not press and row.next_at > time.monotonic():
                if row.state in OPEN and not row.hasty:
                    stepped.add(row.chain)
                continue
            out = self.offer(row)
            if out in ("receipt", "held"):
                passed += 1
                inarow = self.fails = 0
                continue
            if not row.hasty:
                stepped.add(row.chain)
            missed.append(row)
            inarow += 1
            if out == "cut" or inarow > 1:
                self.fails += 1
                self.rest = time.monotonic() + self._backoff(self.fails)
                break
        for row in missed:
            row.tries += 1 if passed else 0
            row.next_at = time.monotonic() + self._backoff(row.tries if passed else self.fails)
        if time.monotonic() >= self.rest:
            self._carry_photos()

    def _due(self) -> list[Row]:
        """What is to be offered: in the order it was made, hasty chains the other way round."""
        with self.keeping:
            self._open = [row for row in self._open if row.still_offered]
            sent = {row.id for row in self.rows if row.receipt} if self.twins else set()
            rows = self._open + [row for row in self.twins if not row.receipt and row.id in sent]
        return sorted(rows, key=lambda row: (0, -row.n) if row.hasty else (1, row.n))

    def _backoff(self, n: int) -> float:
        return min(300.0, 2.0 ** min(n, 20)) * (0.5 + self.draw.random() / 2) * QUICK

    def offer(self, row: Row) -> str:
        """Offer one envelope: receipt, held, later or cut."""
        if row.state in OPEN:
            row.state = "sending"
        lot = self.draw.random()
        if lot < 0.15:
            outs = self._at_once(row)
        elif lot < 0.25:
            outs = [self._send_and_close(row)]
        else:
            outs = [self._post(row)]
        best = min(outs, key=("receipt", "held", "later", "cut").index)
        if best in ("later", "cut") and row.state == "sending":
            row.state = "queued"
        return best

    def _at_once(self, row: Row) -> list[str]:
        """The same envelope three times in parallel: three tabs, a proxy that repeats, an impatient finger."""
        outs: list[str] = []

        def one() -> None:
            with self._line() as connection:
                outs.append(self._post(row, connection))

        threads = [threading.Thread(target=one) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outs or ["cut"]

    def _send_and_close(self, row: Row) -> str:
        """Send, and hang up without waiting for the answer: the phone cannot know."""
        data = json.dumps(row.envelope).encode()
        head = f"POST /inbox HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        whole = head.encode() + data
        sent = whole[: self.draw.randrange(len(whole))] if self.draw.random() < 0.3 else whole
        self._count("sent and closed")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S) as line:
            line.sendall(sent)
        return "later"

    def _post(self, row: Row, connection: http.client.HTTPConnection | None = None) -> str:
        headers = {"Content-Type": "application/json", "X-Sent-At": self.clock()} | self._cookie()
        began = time.monotonic()
        try:
            status, told, kind = self._ask("POST", "/inbox", json.dumps(row.envelope).encode(), headers, connection)
        except (OSError, http.client.HTTPException) as error:
            self._count(type(error).__name__)
            return "cut"
        self.history.waits_ms.append((time.monotonic() - began) * 1000)
        self._count(str(status))
        return self.judge(row, status, kind, told)

    def _cookie(self) -> dict[str, str]:
        """Usually the sign-in has run out; sometimes a browser is signed in."""
        return {"Cookie": self.home.cookie} if self.draw.random() < 0.2 else {}

    def judge(self, row: Row, status: int, kind: str, told: bytes) -> str:
        """What an answer means (docs/protocol.md)."""
        if status in HELD and ("json" in kind or status == 413):
            if row.receipt is None:
                row.state, row.why = "held", HELD[status]
                row.next_at = time.monotonic() + (600 if status == 403 else 3600) * QUICK / 10
            return "held"
        if status not in (200, 201):
            return "later"
        receipt = self.receipt_in(row, told)
        if receipt is None:
            return "later"
        self.settle(row, receipt)
        return "receipt"

    def receipt_in(self, row: Row, told: bytes) -> dict[str, Any] | None:
        """The receipt in an answer, if it is one for this very envelope."""
        try:
            found = json.loads(told)
        except ValueError:
            return None
        ours = (
            isinstance(found, dict)
            and (found.get("id"), found.get("hash")) == (row.id, row.envelope["hash"])
            and found.get("state") in STATES
            and isinstance(found.get("seq"), int)
        )
        return found if ours else None

    def settle(self, row: Row, receipt: dict[str, Any]) -> None:
        """Write a receipt down; a new epoch means that the server was restored, so everything is offered again."""
        with self.keeping:
            self.history.receipts.append(receipt)
            known = self.epoch
            self.epoch, self.beacon = receipt["epoch"], receipt["beacon"]
            if known not in (None, receipt["epoch"]):
                self.reoffer(receipt["epoch"])
            row.receipt, row.why, row.tries = receipt, "", 0
            row.state = {"applied": "delivered", "waiting": "waiting"}.get(receipt["state"], "held")
            row.next_at = time.monotonic() + (600 * QUICK / 3 if row.state == "waiting" else 0)
            self.history.shown_sent.add((row.id, row.envelope["hash"]))
            if row.envelope["chain"] and row.state != "waiting":
                for other in self._open:
                    if other.state == "waiting" and other.chain == row.chain:
                        other.next_at = 0.0

    def reoffer(self, epoch: str) -> None:
        """Offer again what another life of the server acknowledged, photos included."""
        for row in self.rows + self.twins:
            if row.receipt and row.receipt["epoch"] != epoch:
                row.state, row.receipt, row.next_at = "queued", None, 0.0
        self._open = [row for row in self.rows if row.still_offered]
        for photo in self.photos.values():
            photo.state = "queued"

    # -- photos --

    def _carry_photos(self) -> None:
        for photo in list(self.photos.values()):
            if photo.state == "queued":
                try:
                    self._carry(photo)
                except (OSError, http.client.HTTPException, ValueError):
                    self._count("photo cut")
                    return

    def _carry(self, photo: Picture) -> None:
        url, size = f"/inbox/photos/{photo.sha256}", len(photo.data)
        _status, at = self._offset("HEAD", url)
        for _turn in range(999):
            if at < 0 or at >= size:
                break
            before, offset = at, {"Upload-Offset": str(at), "Upload-Length": str(size)}
            status, at = self._offset("PUT", url, self.piece(photo, at), offset)
            if status in (400, 415, 422) and at >= 0:  # without the header it is not our server that refuses the picture
                photo.state = "held"
                return
            if status != 409 and at <= before:
                return
        if at == size:
            photo.state = "delivered"
            self.history.pictures_sent.add(photo.sha256)

    def piece(self, photo: Picture, at: int) -> bytes:
        """The bytes to send from `at` on."""
        return photo.data[at : at + PIECE]

    def _offset(self, method: str, url: str, data: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, int]:
        connection = self._own()
        try:
            connection.request(method, url, data or None, headers or {})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()
            raise
        self._count(f"photo {answer.status}")
        return answer.status, int(answer.headers.get("Upload-Offset", -1))

    # -- the wire --

    @contextlib.contextmanager
    def _line(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            yield connection
        finally:
            connection.close()

    def _own(self) -> http.client.HTTPConnection:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        return self.connection

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _ask(
        self, method: str, url: str, data: bytes, headers: dict[str, str], connection: http.client.HTTPConnection | None
    ) -> tuple[int, bytes, str]:
        mine = connection is None
        line = connection or self._own()
        try:
            line.request(method, url, data, headers)
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        except (OSError, http.client.HTTPException):
            if mine:
                self._hang_up()
            raise

    def _count(self, what: str) -> None:
        with self.keeping:
            self.history.posts += what.isdigit() or "photo" not in what
            self.history.answers[what] = self.history.answers.get(what, 0) + 1


def live(phone: Handset, *, acts: int, every_s: float, until: threading.Event) -> None:
    """A working life: make `acts` records at a pace, sending all the while; then only send. Ends when `until` is set."""
    made, visit, due, gen = 0, phone.visit(), time.monotonic(), phone.gen
    while not until.is_set():
        if made < acts and time.monotonic() >= due:
            if gen != phone.gen or next(visit, "over") == "over":
                visit, gen = phone.visit(), phone.gen
                next(visit)
            made, due = made + 1, due + every_s * (0.5 + phone.draw.random())
        phone.flush()
        until.wait(0.01 if made < acts else 0.05)


def left(phones: Sequence[Handset]) -> int:
    """How many records and photos are still to be sent."""
    return sum(len(phone.unsent) + len(phone.unsent_photos) for phone in phones)
