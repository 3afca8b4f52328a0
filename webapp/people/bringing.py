"""An import that can be left: the sheet kept sealed on disk, the steps still to do, and the job that does them."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from flask import current_app

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.settings import Settings
from webapp.people import queries, registering, settling
from webapp.people.models import SheetImport
from webapp.people.registering import Outlook
from webapp.people.settling import Step
from webapp.people.sheets.facts import Columns, Kind, Sheet
from webapp.store import audit, db, jobs, secrets

log = structlog.get_logger()
KEPT_FOR = timedelta(hours=24)
AT_ONCE = 10
"""Steps in one transaction: the write lock is free again before a check-in notices."""


def bring(actor: Actor, kind: Kind, filename: str, data: bytes, columns: Columns, key: uuid.UUID | None = None) -> SheetImport:
    """Keep a sheet that could be opened, for a day, for its bringer only."""
    row = SheetImport(
        id=key or ids.new(),
        account_id=actor.account_id,
        kind=kind,
        filename=filename[-120:],
        until=clock.now() + KEPT_FOR,
        columns=dict(columns),
        answers={},
        counts={},
    )
    _write(row.id, "sheet", base64.b64encode(data).decode())
    db.session().add(row)
    audit.note("people.bring_sheet", row, kind=kind)
    return row


def find(actor: Actor, key: uuid.UUID) -> SheetImport:
    """The actor's own import. Raises Missing with a sentence when it was too long ago."""
    row = db.session().get(SheetImport, key)
    if row is None or row.account_id != actor.account_id:
        raise queries.nothing()
    if row.until <= clock.now() or not _path(row.id, "sheet").exists():
        missing = queries.nothing()
        missing.say = "这张表放了一天，已经收走了，请重新传"
        raise missing
    return row


def sheet_of(row: SheetImport) -> Sheet:
    """The sheet, opened."""
    return registering.opened(base64.b64decode(_read(row.id, "sheet")), row.filename)


def begin(key: uuid.UUID, outlook: Outlook) -> None:
    """Start the import: its steps are written down, and the job carries on if the page is left. Twice is once."""
    row = _locked(key)
    if row is None or row.total is not None:
        return
    _write(key, "steps", json.dumps(outlook.steps))
    row.total = len(outlook.steps)
    row.counts = {"same": len(outlook.plan.same), "left": outlook.left}
    audit.note("people.import", row, kind=row.kind, steps=row.total)
    jobs.ask("people.import", once=f"people.import:{key}", key=str(key))


def _locked(key: uuid.UUID) -> SheetImport | None:
    return db.session().scalar(sa.select(SheetImport).where(SheetImport.id == key).with_for_update())


def go_on(key: uuid.UUID) -> bool:
    """Do the next few steps of an import in this transaction; whether some are left. Two at once do not do one twice."""
    row = _locked(key)
    if row is None or row.total is None or row.done >= row.total or not _path(key, "steps").exists():
        return False
    steps: Sequence[Step] = json.loads(_read(key, "steps"))[row.done : row.done + AT_ONCE]
    counts = dict(row.counts)
    for step in steps:
        for name, n in taken(step).items():
            counts[name] = counts.get(name, 0) + n
    row.counts = counts
    row.done += len(steps)
    audit.note("people.import_step", row, done=row.done)
    return row.done < row.total


def taken(step: Step) -> Mapping[str, int]:
    """One step, or nothing of it: what cannot be done is counted, not allowed to stop the rest."""
    session = db.session()
    deeds = session.info.setdefault("deeds", [])
    noted = len(deeds)
    try:
        with session.begin_nested():
            return settling.take_step(step)
    except (Refusal, sa.exc.IntegrityError, sa.exc.DataError, sa.exc.NoResultFound) as trouble:
        del deeds[noted:]
        log.warning("people.import_step", trouble=type(trouble).__name__, code=getattr(trouble, "code", None))
        return {"refused": 1}


@jobs.job("people.import")
def carry_on(key: str) -> None:
    """Go on with an import that may have been left; asks for itself again while steps remain."""
    if go_on(uuid.UUID(key)):
        jobs.ask("people.import", key=key)


@jobs.job("people.clear_imports", nightly=True)
def clear() -> None:
    """Take away sheets whose day is over, with what was read from them."""
    over = db.session().scalars(sa.select(SheetImport.id).where(SheetImport.until <= clock.now())).all()
    for key in over:
        for part in ("sheet", "steps"):
            _path(key, part).unlink(missing_ok=True)


def _path(key: uuid.UUID, part: str) -> Path:
    chosen: Settings = current_app.extensions["settings"]
    return chosen.data_dir / "imports" / f"{key}.{part}"


def _write(key: uuid.UUID, part: str, text: str) -> None:
    path = _path(key, part)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(secrets.seal(text, f"sheet_import.{part}:{key}"))


def _read(key: uuid.UUID, part: str) -> str:
    return secrets.unseal(_path(key, part).read_bytes(), f"sheet_import.{part}:{key}")


def outlook_of(actor: Actor, row: SheetImport) -> Outlook:
    """What the import would do now, without holding the write lock while it looks. Raises Refusal (columns_missing)."""
    kind: Any = row.kind
    with db.reads():
        return registering.look_over(actor, sheet_of(row), row.columns, kind, row.answers, allow_sample=sample())


def sample() -> bool:
    """Whether the books are made up, so that made-up phones count."""
    chosen: Settings = current_app.extensions["settings"]
    return chosen.sample
