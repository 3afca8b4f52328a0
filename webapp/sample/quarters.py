"""The quarterly review of the demo world: the last quarter of the first station, one met over, one confirmed and talked over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Role
from webapp.kit import clock
from webapp.people.models import Place
from webapp.reviews import queries
from webapp.reviews.models import QuarterReview
from webapp.reviews.rules import GO_ON, Quarter
from webapp.sample.frame import Home
from webapp.sample.months import Doer, doer
from webapp.store import db

SAID = (
    ("resident", "", 5, "做的饭合我口味"),
    ("kin", "大女儿", 4, "人细心，有事会打电话"),
    ("doctor", "陈医生", 4, "量血压在场，记得清楚"),
    ("colleague", "同站的姐妹", 5, ""),
)
MINUTES = "各家都说好。李大娘说有两天来得晚，她说是等药耽误了，以后先打电话。"


def begin(homes: list[Home]) -> None:
    """Gathered; at the first two the people were asked and the meeting is over, the first is confirmed and talked over."""
    if not homes:
        return
    quarter, first = Quarter.of(clock.today()).previous(), homes[0]
    queries.gather(quarter, db.session().get_one(Place, first.household.station_id))
    head: Any = Doer(first.head.id, first.head.person_id)
    ask = sa.select(QuarterReview).where(
        QuarterReview.quarter == str(quarter), QuarterReview.station_id == first.household.station_id
    )
    known = {home.caregiver.id: home.household for home in homes}
    rows = [row for row in db.session().scalars(ask.order_by(QuarterReview.caregiver_id)) if row.caregiver_id in known]
    today = clock.today()
    for n, row in enumerate(rows[:3]):
        home = known[row.caregiver_id]
        for side, name, stars, words in SAID:
            row.hear(head, side, name or home.residents[0].name, stars, words, "yes", home)
        if n < 2:
            why = "" if row.advised == GO_ON else "大家说继续"
            row.meet(
                head,
                today - timedelta(days=2),
                "站长、老人两位、家属一位、陈医生",
                MINUTES,
                GO_ON,
                why,
                today + timedelta(days=30),
            )
        if n == 0:
            row.talk(head, today - timedelta(days=1), "说了两次晚到的事，也说了老人夸她的话。", "晚到先打电话；日记多写两句。")
            db.session().flush()
            if (street := doer(Role.STREET_MANAGER)) is not None:
                row.confirm(street)
    db.session().flush()
