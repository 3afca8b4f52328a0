"""How often something may be tried. Counted in the database, so that all workers count together."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.store import db, secrets
from webapp.store.db import Base
from webapp.store.types import Instant

DAY = timedelta(days=1)
MEMORY = timedelta(hours=1)
"""How long wrong tries are remembered after the last one."""


class Tries(Base):
    """How often one key was tried within its window."""

    __tablename__ = "tries"
    key: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    count: Mapped[int]
    until: Mapped[datetime] = mapped_column(Instant())


def count(what: str, who: str, *, within: timedelta) -> int:
    """Count one try of `what` by `who` (kept as a blind digest); returns the tries of this window so far.

    Of two at once both count.
    """
    key, now = secrets.blind(who, f"tries.{what}"), clock.now()
    first = db.insert(Tries).values(key=key, count=1, until=now + within)
    over, anew = Tries.until <= now, sa.literal(now + within, Instant())
    again = {"count": sa.case((over, 1), else_=Tries.count + 1), "until": sa.case((over, anew), else_=Tries.until)}
    put = first.on_conflict_do_update(index_elements=["key"], set_=again).returning(Tries.count)
    return int(db.session().scalar(put) or 0)


def check(what: str, who: str, *, most: int) -> None:
    """Raise Refusal (429) when the window of `who` is full."""
    row = db.reading().get(Tries, secrets.blind(who, f"tries.{what}"))
    if row is not None and row.until > clock.now() and row.count >= most:
        wait = int((row.until - clock.now()).total_seconds()) + 1
        raise Refusal("too_often", "试的次数太多，请等一会儿再来，或打给服务站", status=429, wait_s=wait)


def forget(what: str, who: str) -> None:
    """Start `who` afresh, after a success."""
    db.session().execute(sa.delete(Tries).where(Tries.key == secrets.blind(who, f"tries.{what}")))


def wrong(what: str, who: str) -> None:
    """Count one wrong try of `what` by `who`; remembered for an hour after the last. Of two at once both count."""
    session, now = db.session(), clock.now()
    first = db.insert(Tries).values(key=secrets.blind(who, f"wrong.{what}"), count=1, until=now + MEMORY)
    again = sa.case((Tries.until <= now, 1), else_=Tries.count + 1)
    session.execute(first.on_conflict_do_update(index_elements=["key"], set_={"count": again, "until": now + MEMORY}))


def wait(what: str, who: str, *, free: int, most: timedelta) -> None:
    """Raise Refusal (429) while `who` must wait: 2 s after `free` wrong tries, doubled by each further one up to `most`.

    A delay that grows and passes, never a lock: nobody can shut another person out by guessing at the door.
    """
    row = db.reading().get(Tries, secrets.blind(who, f"wrong.{what}"))
    now = clock.now()
    if row is None or row.until <= now or row.count < free:
        return
    delay = min(timedelta(seconds=2 ** min(row.count - free + 1, 20)), most)
    left = (row.until - MEMORY + delay - now).total_seconds()
    if left > 0:
        raise Refusal("too_often", "试的次数太多，请等一会儿再来，或打给服务站", status=429, wait_s=int(left) + 1)


def right(what: str, who: str) -> None:
    """Forget the wrong tries of `who`, after a success."""
    db.session().execute(sa.delete(Tries).where(Tries.key == secrets.blind(who, f"wrong.{what}")))
