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


class Tries(Base):
    """How often one key was tried within its window."""

    __tablename__ = "tries"
    key: Mapped[bytes] = mapped_column(sa.LargeBinary(16), primary_key=True)
    count: Mapped[int]
    until: Mapped[datetime] = mapped_column(Instant())


def count(what: str, who: str, *, within: timedelta) -> int:
    """Count one try of `what` by `who` (kept as a blind digest); returns the tries of this window so far."""
    session, key, now = db.session(), secrets.blind(who, f"tries.{what}"), clock.now()
    row = session.get(Tries, key)
    if row is None:
        row = Tries(key=key, count=0, until=now + within)
        session.add(row)
    if row.until <= now:
        row.count, row.until = 0, now + within
    row.count += 1
    session.flush()
    return row.count


def check(what: str, who: str, *, most: int) -> None:
    """Raise Refusal (429) when the window of `who` is full."""
    row = db.reading().get(Tries, secrets.blind(who, f"tries.{what}"))
    if row is not None and row.until > clock.now() and row.count >= most:
        wait = int((row.until - clock.now()).total_seconds()) + 1
        raise Refusal("too_often", "试的次数太多，请等一会儿再来，或打给服务站", status=429, wait_s=wait)


def forget(what: str, who: str) -> None:
    """Start `who` afresh, after a success."""
    db.session().execute(sa.delete(Tries).where(Tries.key == secrets.blind(who, f"tries.{what}")))
