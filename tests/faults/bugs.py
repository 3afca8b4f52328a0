"""Planted bugs, each of a kind that was met in the field: the checker must name every one (tests/faults/test_bites.py).

Server bugs patch the real code; phone bugs are worse phones. `app` serves with the bug named in PLANTED_BUG.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import sqlalchemy as sa
from flask import Flask, g, jsonify, request
from sqlalchemy.orm import Session

from tests.faults.phones import PIECE, Handset, Picture, Row
from webapp import create_app
from webapp.kit import ids
from webapp.store import audit, db, files, inbox
from webapp.store import envelope as envelopes
from webapp.store.acts import Act, Arrival
from webapp.store.arrivals import Kept, sealed
from webapp.web import intake
from webapp.web.guard import csrf

Patch = Callable[[Any, str, Any], None]
"""setattr, taken back or not."""

# -- worse servers --


def check_then_insert(app: Flask, patch: Patch) -> None:
    """Looks once whether the id is known, and if not writes it; nothing in the database forbids a second one."""
    with app.app_context(), app.extensions["db"].engine.begin() as connection:
        connection.exec_driver_sql("alter table inbox drop constraint uq_inbox_id")

    def keep(session: Session, envelope: dict[str, Any], came: Arrival) -> Any:
        if not g.get("looked") and session.scalar(sa.select(Kept.seq).where(Kept.id == uuid.UUID(envelope["id"]))):
            return None
        g.looked = True
        time.sleep(0.01)
        row = Kept(
            id=uuid.UUID(envelope["id"]), hash=bytes.fromhex(envelope["hash"]), kind=envelope["kind"],
            author_id=uuid.UUID(envelope["author"]), courier_id=came.courier_id, device_id=uuid.UUID(envelope["device"]),
            gen=envelope["gen"], dseq=envelope["dseq"], chain=envelope["chain"] and uuid.UUID(envelope["chain"]),
            prev=envelope["prev"] and uuid.UUID(envelope["prev"]), made_at=came.received_at, received_at=came.received_at,
            state=inbox.APPLIED, twice=False, key=b"k" * 32, raw=sealed(envelope, b"k" * 32),
        )  # fmt: skip
        session.add(row)
        session.flush()
        asked = ", ".join(f"exists ({ask}) as {name}" for name, ask in inbox.ASKED.items())
        return session.execute(sa.text(f"select seq, {asked} from inbox where seq = {row.seq}")).one()

    patch(inbox, "_keep", keep)


def answer_before_commit(app: Flask, patch: Patch) -> None:
    """Answers at once and stores a moment later: until then a killed worker forgets what it acknowledged."""

    def hasty() -> Any:
        envelope = envelopes.parse(request.get_data())
        device = inbox.authorise(envelope)
        head = db.reading().execute(sa.select(audit.Head.seq, audit.Head.head, audit.Head.epoch)).one()

        def later() -> None:
            with app.test_request_context("/inbox", method="POST"):
                inbox.receive(envelope, device)

        threading.Timer(0.4, later).start()
        told = {
            "id": envelope["id"], "hash": envelope["hash"], "state": "applied", "seq": 1, "epoch": str(head.epoch),
            "audit_head": f"{head.seq}:{head.head.hex()}", "backup_seq": 0, "beacon": None, "at": envelope["made_at"], "say": "",
        }  # fmt: skip
        return jsonify(told), 201

    hasty.verb = None  # type: ignore[attr-defined]
    patch(app, "view_functions", app.view_functions | {"inbox.post": hasty})


def order_by_phone_time(_app: Flask, patch: Patch) -> None:
    """Believes the phone's clock: an act waits for those of its visit that were made earlier by it, not for the one before."""

    early = "select 1 where not exists (select 1 from inbox b where b.id = inbox.prev and b.state = 'waiting')"
    patch(inbox, "ASKED", inbox.ASKED | {"ended": early})


def cached_csrf(app: Flask, patch: Patch) -> None:
    """Wants a form's token with every record; the phone has the one of the page it opened weeks ago."""
    patch(csrf, "_exempt_blueprints", csrf._exempt_blueprints - {intake.bp, intake.bp.name})
    app.config["WTF_CSRF_ENABLED"] = True


def missing_audit_row(_app: Flask, patch: Patch) -> None:
    """Forgets to write down every fifth arrival."""
    really, turn = audit.note, count()

    def note(verb: str, *told: Any, **facts: Any) -> None:
        if verb != "inbox.receive" or next(turn) % 5:
            really(verb, *told, **facts)

    patch(audit, "note", note)


def float_money(app: Flask, patch: Patch) -> None:
    """Reckons in yuan with a fraction."""
    kinds = app.extensions["inbox"].kinds
    spend = kinds["ledger.spend"]

    def apply(act: Act, values: dict[str, Any]) -> str | None:
        return spend.apply(act, values | {"amount_fen": int(values["amount_fen"] / 100 * 100)})

    patch(app.extensions["inbox"], "kinds", kinds | {"ledger.spend": replace(spend, apply=apply)})


def courier_is_author(_app: Flask, patch: Patch) -> None:
    """Books what arrives on whoever is signed in where it is sent from."""

    def act(**told: Any) -> Act:
        return Act(**told | {"author_id": told["courier_id"] or told["author_id"]})

    patch(inbox, "Act", act)


def second_content_dropped(_app: Flask, patch: Patch) -> None:
    """Acknowledges another content under a known id and keeps only the first."""
    patch(inbox, "_beside", lambda *_told: (None, False))


def photo_unchecked(_app: Flask, patch: Patch) -> None:
    """Takes any bytes of the right length for the photo."""

    def finish(photo: Any, gathered: Any) -> int:
        files._write(files.path(photo.sha256), gathered.read_bytes())
        files._done(photo.sha256, None)
        gathered.unlink(missing_ok=True)
        return int(photo.size)

    patch(files, "_finish", finish)


def never_released(_app: Flask, patch: Patch) -> None:
    """Forgets those that waited."""
    patch(inbox, "release", lambda *_told: None)


def new_id_each_time(_app: Flask, patch: Patch) -> None:
    """Gives what it books ids of its own."""
    patch(inbox, "Act", lambda **told: Act(**told | {"id": ids.new()}))


SERVER_BUGS: dict[str, Callable[[Flask, Patch], None]] = {
    each.__name__: each
    for each in (
        check_then_insert, answer_before_commit, order_by_phone_time, cached_csrf, missing_audit_row, float_money,
        courier_is_author, second_content_dropped, photo_unchecked, never_released, new_id_each_time,
    )
}  # fmt: skip

# -- worse phones --


class DeletesBeforeSending(Handset):
    """Takes a record out of the outbox and then sends it."""

    def offer(self, row: Row) -> str:
        """Gone, whatever comes of it."""
        self.forget(row)
        return super().offer(row)


class BelievesAny200(Handset):
    """Any 200 is a success."""

    def judge(self, row: Row, status: int, kind: str, told: bytes) -> str:
        """A hotel's welcome page will do."""
        if status == 200:
            row.state = "delivered"  # and is offered no more
            self.history.shown_sent.add((row.id, row.envelope["hash"]))
            return "receipt"
        return super().judge(row, status, kind, told)


class DropsOn422(Handset):
    """What cannot be read is thrown away."""

    def judge(self, row: Row, status: int, kind: str, told: bytes) -> str:
        """Tidy, and lost."""
        if status == 422:
            self.forget(row)
            return "held"
        return super().judge(row, status, kind, told)


class ClearsAtSignOut(Handset):
    """Leaves nothing behind for the next person."""

    def sign_out(self) -> None:
        """Nothing at all."""
        self.rows, self._open, self.photos, self.twins = [], [], {}, []


class GivesUp(Handset):
    """Three tries, then it is deleted."""

    def offer(self, row: Row) -> str:
        """Count and drop."""
        out = super().offer(row)
        row.why = row.why + "x" if out in ("later", "cut") else ""
        if len(row.why) >= 3:
            self.forget(row)
        return out


class SharesNumbers(Handset):
    """Two quick taps read the same counter."""

    def keep(self, kind: str, body: dict[str, Any], **more: Any) -> Row:
        """Every fourth act gets the number of the one before."""
        if self.n % 4 == 3:
            self.signer.dseq -= 1
        return super().keep(kind, body, **more)


class IgnoresEpoch(Handset):
    """What was acknowledged once stays acknowledged."""

    def reoffer(self, epoch: str) -> None:
        """Nothing to do, it thinks."""


class BreaksAPhoto(Handset):
    """Its first try at a photo ends in zeros, as a broken line would."""

    broken = False

    def piece(self, photo: Picture, at: int) -> bytes:
        """Half of it wrong, once."""
        data = super().piece(photo, at)
        if at == 0 and not self.broken:
            self.broken = True
            middle = min(len(data), PIECE) // 2
            return data[:middle] + bytes(len(data) - middle)
        return data


def app_with(name: str) -> Flask:
    """The application with one bug in it."""
    made = create_app()
    SERVER_BUGS[name](made, setattr)
    return made


def __getattr__(name: str) -> Any:
    """`app`, for gunicorn, when it is asked for."""
    if name == "app":
        return app_with(os.environ["PLANTED_BUG"])
    raise AttributeError(name)
