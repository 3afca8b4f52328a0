"""Who has left in the demo world: a brother who lived with the second household has moved away."""

from __future__ import annotations

from datetime import timedelta

from webapp.kit import clock
from webapp.people import ends
from webapp.people import models as people
from webapp.sample.frame import Home
from webapp.store import db


def begin(homes: list[Home]) -> None:
    """He was cared for there and is not any more: the household's page and 收尾 tell it."""
    home = homes[1]
    brother = people.take_in(home.household, "高文远", relation="弟弟")
    db.session().flush()
    ends.end_care(
        brother, home.household, ends.AWAY, clock.today() - timedelta(days=12), by=home.head.id, told_by="侄子打来电话",
        words="搬去外地和儿子住",
    )  # fmt: skip
