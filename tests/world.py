"""One small cast that lives in all tests.

Songling station: 王桂芳 cares for 李秀兰 (alone, penicillin) and for the couple 张福贵 · 刘淑珍; 钱桂兰 may stand in.
Wanghai station: 赵丽华 cares for 孙德胜, in a house without signal. 李敏 is 李秀兰's daughter and may see all but health;
李强 is her son without any consent. Office: 周 heads Songling, 何 heads Wanghai, 吴 manages the street, 郑 sits in the
district, 冯 reviews, 陈 doctors, 楚 inspects, 卫 liaises, 蒋 audits, 沈 administers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import orm

from webapp.access import Role
from webapp.kit import clock
from webapp.ledger import agreeing
from webapp.ledger.rules import Terms
from webapp.people import models as people
from webapp.people.models import Account, Alert, DutyHour, Grant, Household, Person, Place, PlaceKind, Resident, SignIn, Spot
from webapp.store import db, secrets

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "nuan-chao-2026"
HOME = (38_914_000, 121_614_000)

OFFICE = {
    "zhou": ("周建国", Role.STATION_HEAD, "songling"),
    "he": ("何卫东", Role.STATION_HEAD, "wanghai"),
    "wu": ("吴志强", Role.STREET_MANAGER, "street"),
    "zheng": ("郑晓东", Role.DISTRICT_OFFICER, "district"),
    "feng": ("冯立新", Role.DISTRICT_REVIEWER, "district"),
    "chen": ("陈医生", Role.DOCTOR, "songling"),
    "chu": ("楚监督", Role.INSPECTOR, "street"),
    "wei": ("卫联络", Role.LIAISON, "songling"),
    "jiang": ("蒋审计", Role.AUDITOR, "district"),
    "shen": ("沈管理", Role.ADMINISTRATOR, "district"),
}
CAREGIVERS = {"wang": ("王桂芳", "songling"), "qian": ("钱桂兰", "songling"), "zhao": ("赵丽华", "wanghai")}


@dataclass
class World:
    """Finds the cast by name in whatever database the app has."""

    app: Flask

    def client(self, name: str | None = None) -> FlaskClient:
        """A browser signed in as `name`; without a name, a stranger's."""
        client = self.app.test_client()
        if name:
            with client.session_transaction() as cookie:
                cookie["_user_id"], cookie["_fresh"] = f"token-{name}", True
        return client

    @property
    def _session(self) -> orm.Session:
        """The transaction that is open, else one that only reads: a finder must not hold SQLite's write lock."""
        return db.session() if g.get("writes") else db.reading()

    def place(self, code: str) -> Place:
        return self._session.scalars(sa.select(Place).where(Place.code == code)).one()

    def account(self, name: str) -> Account:
        return self._session.scalars(sa.select(Account).where(Account.login == name)).one()

    def person(self, name: str) -> Person:
        return self.account(name).person

    def resident(self, name: str) -> Resident:
        return self._session.scalars(sa.select(Resident).where(Resident.name == name)).one()

    def household(self, name: str) -> Household:
        return self.resident(name).household


def build() -> None:
    """Make the cast in an empty database. Caregivers have logins here only so that tests can name them."""
    with db.transaction() as session:
        district = people.found_place(PlaceKind.DISTRICT, "district", "滨松区（虚构）")
        street = people.found_place(PlaceKind.STREET, "street", "松岭街道", district, "0411-0000 1234")
        session.flush()
        places = {"district": district, "street": street}
        for code, name in (("songling", "松岭一社区居家养老服务站"), ("wanghai", "望海社区居家养老服务站")):
            places[code] = people.found_place(PlaceKind.STATION, code, name, street, "0411-0000 5678")
        session.flush()
        for weekday in range(7):
            session.add(
                DutyHour(place_id=street.id, weekday=weekday, since=0, until=1440, name="街道值班室", phone="0411-0000 1234")
            )
        for login, (name, role, code) in OFFICE.items():
            place = places[code]
            person = people.welcome(name, place if place.kind == PlaceKind.STATION else None, phone="10000001234")
            _sign_in(login, people.open_account(person, role, place, login=login, password=PASSWORD))
        staff = {}
        for login, (name, code) in CAREGIVERS.items():
            staff[login] = people.welcome(name, places[code], phone="10000005678", sex="f", birth_date=date(1975, 3, 1))
            _sign_in(login, people.open_account(staff[login], Role.CAREGIVER, places[code], login=login))
            session.flush()
            session.add(people.Clearance(person_id=staff[login].id, course="basic", passed_on=date(2025, 12, 1)))

        li = people.settle_household(places["songling"], "和平里3号楼2单元402")
        lan = people.take_in(
            li, "李秀兰", sex="f", birth_date=date(1944, 5, 6), tier="A", phone="10000009999", national_id="210204194405060024"
        )
        people.warn(lan, "青霉素过敏", kind="allergy", level="danger")
        people.warn(lan, "起身要扶", kind="fall")
        session.add(Spot(household_id=li.id, lat_e6=HOME[0], lon_e6=HOME[1], name="家"))
        zhang = people.settle_household(places["songling"], "民政街18号1单元101")
        people.take_in(zhang, "张福贵", sex="m", birth_date=date(1941, 2, 3), tier="B")
        people.take_in(zhang, "刘淑珍", sex="f", birth_date=date(1943, 8, 9), tier="B")
        sun = people.settle_household(places["wanghai"], "望海街5号301", no_signal=True)
        people.take_in(sun, "孙德胜", sex="m", birth_date=date(1939, 1, 2), tier="A")
        session.flush()
        for household, caregiver in ((li, "wang"), (zhang, "wang"), (sun, "zhao")):
            people.pair(household, staff[caregiver], since=BEGAN)
        for household in (li, zhang, sun):
            agreeing.agree(household.id, "李敏", "李秀兰", Terms(20_00, 200_00, 0, 500_00), staff["wang"].id, since=BEGAN.date())
        for login, name, scopes in (
            ("limin", "李敏", {"visits", "logs", "money", "photos", "whereabouts"}),
            ("liqiang", "李强", set()),
        ):
            person = people.welcome(name, None, phone="10000007777")
            account = people.open_account(person, Role.KIN, None, login=login)
            kin = people.relate(lan, person, "女儿" if login == "limin" else "儿子")
            kin.since = BEGAN
            people.consent(kin, li.id, scopes, "老人当面说的", account.id)
            _sign_in(login, account)
        for alert in session.scalars(sa.select(Alert)):
            alert.since = BEGAN


def _sign_in(login: str, account: Account) -> None:
    session = db.session()
    grant = session.scalars(sa.select(Grant).where(Grant.account_id == account.id)).one()
    grant.since = BEGAN
    account.login = login
    session.add(
        SignIn(
            token=secrets.one_way(f"token-{login}"),
            account_id=account.id,
            grant_id=grant.id,
            made_at=BEGAN,
            unlocked_at=clock.now() + timedelta(days=3650),
            until=BEGAN + timedelta(days=36500),
        )
    )
