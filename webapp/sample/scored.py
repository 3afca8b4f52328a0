"""Own scores of the demo world: the first station's form of the year lies with the street; the street's own is begun."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from webapp.access import Role
from webapp.kit import clock
from webapp.people.models import Place
from webapp.sample.frame import Home
from webapp.sample.months import doer
from webapp.selfscores import models
from webapp.store import db

PROOFS = ("出勤表、上门记录都在系统里", "月考核表，第三册", "台账柜第二格")


def begin(homes: list[Home]) -> None:
    """A tenth is kept back on every third line, and the proof says where to look."""
    if not homes:
        return
    first, year = homes[0], clock.today().year
    station = db.session().get_one(Place, first.household.station_id)
    head: Any = SimpleNamespace(account_id=first.head.id, person_id=first.head.person_id, place_id=station.id)
    sent = models.begin(station, year)
    sent.fill(_own(sent, len(sent.asked)))
    sent.send(head)
    if doer(Role.STREET_MANAGER) is not None and station.street_id is not None:
        half = models.begin(db.session().get_one(Place, station.street_id), year)
        half.fill(_own(half, 3))


def _own(row: models.SelfScore, many: int) -> dict[str, tuple[int | None, str]]:
    return {
        each["code"]: (each["full"] * (9 if n % 3 == 2 else 10), PROOFS[n % len(PROOFS)])
        for n, each in enumerate(row.asked[:many])
    }
