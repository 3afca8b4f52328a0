"""Whom the demo world goes to see: two residents without daily care, one of them overdue, with a diary."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from webapp.kit import clock, ids
from webapp.people import models as people
from webapp.people.models import Place
from webapp.sample.frame import Home
from webapp.store import db, inbox
from webapp.welfare import models


def begin(homes: list[Home]) -> None:
    """Beside the first station's homes."""
    session, head = db.session(), homes[0].head
    station = session.scalars(sa.select(Place).where(Place.id == homes[0].household.station_id)).one()
    for n, (name, risk) in enumerate((("丁秀珍", "high"), ("董长河", "low"))):
        home = people.settle_household(station, f"长春路{8 + n}号1单元201")
        who = people.take_in(home, name, sex="fm"[n])
        session.flush()
        watch = models.watch(who, risk, head.id)
        for days, seen, words in ((21, "yes", "身体还好，说话清楚"), (9, "trouble", "水管漏水，想请人修")):
            body = {
                "household": str(home.id),
                "resident": str(who.id),
                "way": "door",
                "seen": seen,
                "words": words,
                "owner": "self",
            }
            made = clock.now() - timedelta(days=days + n, hours=1)
            envelope = inbox.plain("welfare.visit", body, [], author=head.id, key=ids.new(), made_at=made)
            db.settle()
            inbox.receive(envelope, None, head.id)
        session.refresh(watch)
