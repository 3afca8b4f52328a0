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

SAID = ((21, "yes", "身体还好，说话清楚"), (9, "trouble", "水管漏水，想请人修"))


def begin(homes: list[Home]) -> None:
    """Beside the first station's homes."""
    session, head = db.session(), homes[0].head.id
    station = session.scalars(sa.select(Place).where(Place.id == homes[0].household.station_id)).one()
    told = []
    for n, (name, risk) in enumerate((("丁秀珍", "high"), ("董长河", "low"))):
        home = people.settle_household(station, f"长春路{8 + n}号1单元201")
        who = people.take_in(home, name, sex="fm"[n])
        session.flush()
        models.watch(who, risk, head).next_on = clock.today() - timedelta(days=9 + n - 7 * (n + 1))
        for days, seen, words in SAID:
            about = {"household": str(home.id), "resident": str(who.id), "way": "door", "owner": "self"}
            body, made = about | {"seen": seen, "words": words}, clock.now() - timedelta(days=days + n, hours=1)
            told.append(inbox.plain("welfare.visit", body, [], author=head, key=ids.new(), made_at=made))
    db.settle()
    for envelope in told:
        inbox.receive(envelope, None, head)
