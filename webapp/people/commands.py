"""flask people add-admin | import: the first administrator, and sheets without a browser."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from webapp.access import Role
from webapp.kit.refusal import Refusal
from webapp.people import bringing, models, registering
from webapp.people.models import Place, PlaceKind
from webapp.people.sheets.facts import Kind
from webapp.store import audit, db

people = AppGroup("people", help="People: the first administrator, and sheets of residents or staff.")
COMMANDS = (people,)
NOBODY = uuid.UUID(int=0)


@dataclass
class Console:
    """Whoever sits at the server: reaches one place and what is below it."""

    place_id: uuid.UUID | None
    account_id: uuid.UUID = NOBODY
    person_id: uuid.UUID = NOBODY
    role: Role = Role.ADMINISTRATOR
    place_name: str = ""

    def reaches_station(self, column: Any) -> sa.ColumnElement[bool]:
        """The place and everything below it."""
        under = sa.or_(Place.id == self.place_id, Place.street_id == self.place_id, Place.district_id == self.place_id)
        return cast(sa.ColumnElement[bool], column.in_(sa.select(Place.id).where(under)))

    def reaches_household(self, column: Any) -> sa.ColumnElement[bool]:
        """Households of those stations."""
        homes = sa.select(models.Household.id).where(self.reaches_station(models.Household.station_id))
        return cast(sa.ColumnElement[bool], column.in_(homes))


@people.command("add-admin")
@click.argument("login")
@click.option("--name", prompt=True, help="The administrator's own name.")
@click.option("--district", "code", default="district", show_default=True, help="Code of the district; made if there is none.")
@click.option("--district-name", default="区管理办公室", show_default=True)
@click.password_option(help="At least 8 characters; asked for when left out.")
def add_admin(login: str, name: str, code: str, district_name: str, password: str) -> None:
    """Open an administrator's account: accounts and backups, no contents."""
    try:
        with db.transaction() as session:
            models.refuse_login(login)
            place = session.scalar(sa.select(Place).where(Place.code == code))
            place = place or models.found_place(PlaceKind.DISTRICT, code, district_name)
            session.flush()
            models.open_account(models.welcome(name), Role.ADMINISTRATOR, place, login=login, password=password)
    except Refusal as refusal:
        raise click.ClickException(refusal.words()) from refusal
    click.echo(f"{login}: administrator of {code}")


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--station", "code", required=True, help="Code of the station, street or district the sheet belongs to.")
@click.option("--kind", type=click.Choice(["households", "staff"]), default="households", show_default=True)
@click.option("--skip", is_flag=True, help="Leave rows with something to mend out.")
def import_file(file: Path, code: str, kind: str, skip: bool) -> None:
    """Bring a sheet in; says what to mend, cell by cell, and does nothing until it is mended (or --skip)."""
    try:
        outlook = _look_over(file, code, cast(Kind, kind))
    except Refusal as refusal:
        raise click.ClickException(refusal.words()) from refusal
    for each in outlook.problems:
        click.echo(f"{each.cell_ref}: {each.say}")
    if not outlook.clean and not skip:
        raise SystemExit(1)
    counts = {"same": len(outlook.plan.same), "left": outlook.left}
    for start in range(0, len(outlook.steps), bringing.AT_ONCE):
        with db.transaction() as session:
            audit.by(session, None)
            for step in outlook.steps[start : start + bringing.AT_ONCE]:
                for name, n in bringing.taken(step).items():
                    counts[name] = counts.get(name, 0) + n
    click.echo(", ".join(f"{name} {n}" for name, n in counts.items()))


def _look_over(file: Path, code: str, kind: Kind) -> registering.Outlook:
    with db.transaction() as session:
        place = session.scalar(sa.select(Place).where(Place.code == code))
        if place is None:
            raise Refusal("no_place", "没有这个编号的地方")
        sheet = registering.opened(file.read_bytes(), file.name)
        columns = registering.guessed(sheet, kind)
        return registering.look_over(Console(place.id), sheet, columns, kind, {}, allow_sample=bringing.sample())
