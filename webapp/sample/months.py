"""Evaluations of the demo world: the months that are over, sealed; the last one on its way, with an objection."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.access import Role
from webapp.evaluations import gather
from webapp.evaluations.models import Evaluation
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.people.models import Account, Grant
from webapp.sample.frame import Home
from webapp.store import db

WORDS = ("做事细，老人信得过；记账要当天补票。", "勤快，来得准时。", "话不多，活做得好。", "日记写得短，请多写几句。")
HIGH = "耐心体贴，老人常夸"


@dataclass
class Doer:
    """Somebody of the demo world, acting."""

    account_id: uuid.UUID
    person_id: uuid.UUID


def begin(homes: list[Home], days: int, draw: random.Random) -> None:
    """Every month that ended within the days lived: all sealed but the last, which is half way."""
    months: list[Month] = []
    month = Month.of(clock.today()).previous()
    while len(months) < 12 and (clock.today() - month.last).days < days:
        months.append(month)
        month = month.previous()
    street = doer(Role.STREET_MANAGER)
    heads = {home.household.station_id: home.head for home in homes}
    for each in reversed(months):
        gather.gather(each)
        sheets = db.session().scalars(
            sa.select(Evaluation).where(Evaluation.month == str(each)).order_by(Evaluation.caregiver_id)
        )
        for n, sheet in enumerate(sheets.all()):
            if (head := heads.get(sheet.station_id)) is not None and sheet.total is not None:
                _lead(sheet, Doer(head.id, head.person_id), street, draw, n if each == months[0] else None)


def _lead(sheet: Evaluation, head: Doer, street: Doer | None, draw: random.Random, n: int | None) -> None:
    """Along the order of signing; `n`: in the month that is on its way, so far as its number says."""
    if n is not None and n % 4 == 3:
        return
    attitude = draw.choice((1, 2, 2, 2, 3))
    texts = {"words": draw.choice(WORDS), "attitude": HIGH if attitude == 3 else ""}
    sheet.judge(head, draw.choice((None, 2, 3, 3)), attitude, texts)
    hers = Doer(uuid.UUID(int=0), sheet.caregiver_id)
    if n is None or n % 4 == 0:
        sheet.see(hers)
        sheet.sign(head)
        if n is None and street is not None:
            sheet.seal(street)
    elif n % 4 == 1:
        sheet.object(hers, "M02", "那两天雪大，路上堵，打过电话给站里")


def doer(role: Role) -> Doer | None:
    """The first of a role, acting."""
    ask = sa.select(Account).join(Grant, Grant.account_id == Account.id).where(Grant.role == role).limit(1)
    row = db.session().scalars(ask).first()
    return Doer(row.id, row.person_id) if row else None
