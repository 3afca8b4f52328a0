"""Kin read in one sentence that care is paused."""

from datetime import timedelta

import sqlalchemy as sa

from webapp.kit import clock
from webapp.people.models import Kin
from webapp.roster import pausing
from webapp.store import db


def test_the_family_page_says_that_care_is_paused(app, world):
    kin = db.reading().scalars(sa.select(Kin.id).where(Kin.person_id == world.person("limin").id)).one()
    limin = world.client("limin")
    assert "停一停" not in limin.get(f"/family/{kin}").text
    with db.transaction():
        since = clock.today() - timedelta(days=1)
        pausing.pause(world.household("李秀兰"), None, "hospital", "女儿", since, by=world.account("zhou").id)
    page = world.client("limin").get(f"/family/{kin}").text
    assert "护理停一停：从" in page
    assert "今天没有安排上门" not in page
    assert "住院" not in page
