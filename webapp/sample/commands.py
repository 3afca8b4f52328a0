"""flask sample load | first | logins."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup
from tqdm import tqdm

from webapp.access import ROLE_WORDS, Role
from webapp.kit import clock
from webapp.kit.settings import Settings
from webapp.people.models import Account, Grant, HomeCareUnit, Person, Place, PlaceKind, Slip
from webapp.sample import (
    absent,
    asking,
    checked,
    counted,
    doubted,
    frame,
    history,
    months,
    morning,
    outside,
    parting,
    quarters,
    rules,
    scored,
    taught,
    telling,
    welfare,
)
from webapp.store import audit, db

FACTS = Path(__file__).parent / "org_example.json"
sample = AppGroup("sample", help="The demo world; no real person in it.")
COMMANDS = [sample]
HALF_YEAR = timedelta(days=183)


@sample.command("load")
@click.option("--size", type=click.Choice(list(rules.DAYS_OF)), default="small")
@click.option("--seed", type=int, default=None, help="Another seed, another world.")
def load(size: str, seed: int | None) -> None:
    """Fill an empty database with a made-up district."""
    if _districts():
        raise click.ClickException(
            "库里已经有一个区了。示例数据只装进空库，请换一个 DATA_DIR。The database is not empty: use another DATA_DIR."
        )
    build(size, seed)


@sample.command("first")
def first() -> None:
    """Load the small world when the database is empty; say how to sign in."""
    if not _districts():
        build("small", None)
    if (_settings().data_dir / "sample").exists():
        _tell()


@sample.command("logins")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def logins(as_json: bool) -> None:
    """One login per role of the demo world."""
    if not (_settings().data_dir / "sample").exists():
        raise click.ClickException("这不是示例数据。This is not the demo world.")
    click.echo(json.dumps(ways_in(), ensure_ascii=False, indent=1)) if as_json else _tell()


def build(size: str, seed: int | None) -> None:
    """Make the world of a size. The same seed on the same day makes the same people, days and money."""
    facts: dict[str, Any] = json.loads(FACTS.read_text())
    draw = random.Random(facts["generator"]["random_seed"] if seed is None else seed)  # noqa: S311
    days = rules.DAYS_OF[size]
    since = clock.instant(clock.today() - timedelta(days=days + 1), 0)
    (_settings().data_dir / "sample").touch()
    builder = frame.Builder(facts, draw, since)
    with db.transaction() as session:
        audit.note("sample.load", f"sample:{size}", days=days)
        for _ in tqdm(builder.build(size), desc="户 households", unit="", leave=False):
            session.flush()
    _backdate(since)
    homes = builder.world.homes
    with tqdm(total=len(homes) * days, desc="上门 visits", unit="", leave=False) as bar, db.transaction():
        past = history.Past(homes, facts["generator"], draw)
        for written in past.live(days):
            bar.update(written - bar.n)
        audit.note("sample.live", f"sample:{size}", days=days)
        if size != "small":
            past.begin_today()
    if size == "small":
        with db.transaction():
            morning.begin(homes, draw)
        with db.transaction():
            absent.begin(homes)
        with db.transaction():
            outside.begin(homes)
        with db.transaction():
            welfare.begin(homes)
    with db.transaction():
        counted.begin(homes)
    with db.transaction():
        parting.begin(homes)
    with db.transaction():
        telling.begin(homes)
    with db.transaction():
        asking.begin(homes)
    with db.transaction():
        taught.begin()
    with db.transaction():
        months.begin(homes, days, draw)
    with db.transaction():
        doubted.begin(homes)
    with db.transaction():
        checked.begin()
    with db.transaction():
        quarters.begin(homes)
        scored.begin(homes)
    _measure()


def _measure() -> None:
    """Let the database look at what was laid, or it plans its reading for empty tables."""
    with db.transaction() as session:
        session.execute(sa.text("analyze"))


def _backdate(since: Any) -> None:
    """Grants hold since the world began, or nobody would have been allowed in."""
    with db.transaction() as session:
        session.execute(sa.update(Grant).values(since=since))


def _districts() -> bool:
    found = db.reading().scalar(sa.select(Place.id).where(Place.kind == PlaceKind.DISTRICT).limit(1)) is not None
    db.settle()
    return found


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def ways_in() -> list[dict[str, str]]:
    """One way in per role: office roles with login and password, caregivers with a fresh enrolment code, kin with a link."""
    with db.transaction() as session:
        found = []
        for role in Role:
            ask = (
                sa.select(Account, Person.name)
                .join(Person, Person.id == Account.person_id)
                .join(Grant, Grant.account_id == Account.id)
            )
            if role == Role.CAREGIVER:
                ask = ask.join(HomeCareUnit, HomeCareUnit.caregiver_id == Person.id).order_by(sa.desc(Person.number))
            row = session.execute(ask.where(Grant.role == role).order_by(Person.number).limit(1)).first()
            if row:
                found.append(_way(role, *row))
        return found


def _way(role: Role, account: Account, name: str) -> dict[str, str]:
    way = {"role": str(role), "words": str(ROLE_WORDS[role]), "name": name}
    base = _settings().public_url
    if role == Role.CAREGIVER:
        return way | {"open": f"{base}/enrol?code={Slip.write(Slip.ENROL, account, account.id)[1]}"}
    if role == Role.KIN:
        return way | {"open": f"{base}/i/{Slip.write(Slip.INVITE, account, account.id)[1]}"}
    return way | {"login": account.login or "", "password": frame.PASSWORD, "open": f"{base}/sign-in"}


def _tell() -> None:
    click.echo(f"\n暖巢 Nuanchao · 虚构数据 demo data · {_settings().public_url}\n")
    for way in ways_in():
        how = f"{way['login']} / {way['password']}" if "login" in way else way["open"]
        click.echo(f"  {way['words']:<10} {way['name']:<6} {how}")
    click.echo("\n养护员的码10分钟内有效；再要：make logins\nThe caregiver's code lives 10 minutes; for another: make logins\n")
