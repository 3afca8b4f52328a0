"""What the demo world asks for and says: requests on their way, opinions of two months, a complaint, a change of
caregiver, an application that hangs out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.access import Role
from webapp.applications import models as applications
from webapp.health import models as health
from webapp.kit import clock
from webapp.people import models as people
from webapp.people.models import Account, Kin, Place, Resident
from webapp.requests import models as requests
from webapp.sample.frame import Home
from webapp.sample.months import Doer
from webapp.store import db
from webapp.voices import models as voices

SAID = ((5, "人好，饭也合口"), (4, ""), (5, "什么都帮我"), (3, "来得有点晚"), (5, ""), (4, "洗头洗得舒服"))
TURN = 200
SHEETS = (("高血压多年；冠心病，放过支架", "氨氯地平，每天早上一片；阿司匹林，每天一片"), ("糖尿病", "二甲双胍，随饭一天两次"))
WANTED = (("bath", "想洗个澡，家里没有扶手", "resident"), ("clean", "擦一擦窗户", "kin"), ("shop", "买一件厚棉袄", "caregiver"))


def begin(homes: list[Home]) -> None:
    """Requests in the first three homes, opinions of most, a complaint that waits, one that was answered, a change asked for."""
    today, first = clock.today(), homes[0]
    head: Any = Doer(first.head.id, first.head.person_id)
    station = db.session().get_one(Place, first.household.station_id)
    asked = []
    for n, (home, (kind, words, asked_as)) in enumerate(zip(homes, WANTED, strict=False)):
        elder = home.household.residents[0]
        asked.append(requests.ask(head, home.household, elder.id, kind, words, today + timedelta(days=n), asked_as))
    if len(asked) == 3:
        asked[1].send(head.account_id, "caregiver", homes[1].caregiver, "", clock.now() + timedelta(days=1))
        asked[2].send(head.account_id, "volunteer", None, "爱心服务队", clock.now() + timedelta(hours=5))
        asked[2].finish(head.account_id, "买好了，合身")
    requests.need(station.id, None, None, "bath", "想有个助浴点，家里洗澡不安全", head.account_id)
    for n, home in enumerate(homes[:TURN]):
        _opinions(n, home)
    daughter = db.session().scalar(sa.select(Kin.person_id).where(Kin.resident_id == first.household.residents[0].id))
    account = db.session().scalar(sa.select(Account.id).where(Account.person_id == daughter))
    voices.complain(
        "complaint", station, "上周三说好九点来，十点半才到，也没有打电话。", by=account, household_id=first.household.id
    )
    old = voices.complain("suggestion", station, "活动室早上能不能早半个钟头开门？")
    old.reply(head.account_id, "从下周一起，早上七点半开门。")
    _applied(homes, head)
    _sheets(homes)
    if len(homes) > 2:
        voices.ask_for_change(homes[2].household, head.account_id, "resident", "口音听不懂，说话费劲")


def _sheets(homes: list[Home]) -> None:
    """What a helper may read: the first elder let allergies and blood type be printed, of two the doctor wrote the sheet."""
    for home, sheet in zip(homes, SHEETS, strict=False):
        health.write_sheet(home.household.residents[0], *sheet)
    first = db.session().get_one(Resident, homes[0].household.residents[0].id)
    first.card_consent_on, first.blood_type = clock.today() - timedelta(days=60), "A"
    if not any(each.kind == "allergy" for each in first.alerts):
        people.warn(first, "青霉素过敏", kind="allergy", level="danger")


def _applied(homes: list[Home], head: Any) -> None:
    """One application hangs out for three days, one has just been taken in."""
    for home, hangs in zip(homes[1:3], (True, False), strict=False):
        row = applications.apply(home.household, home.household.residents[0].tier or "B", "13800000021", head)
        if hangs:
            row.move(Role.STATION_HEAD, "surveyed", head.account_id, "")
            row.publish(head.account_id)


def _opinions(n: int, home: Home) -> None:
    """Last month everybody was asked, this month all but every third."""
    stars, words = SAID[n % len(SAID)]
    for resident in home.household.residents:
        row = voices.heard(resident, home.household, stars, words, ("visit", "phone")[n % 2], home.head.id)
        row.month = (row.month - timedelta(days=1)).replace(day=1)
        db.session().flush()
        if n % 3 != 2:
            voices.heard(resident, home.household, min(5, stars + n % 2), words, ("phone", "visit")[n % 2], home.head.id)
