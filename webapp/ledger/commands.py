"""flask export books: the books of a household or a station, for any days."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from webapp.kit import clock
from webapp.ledger import exporting
from webapp.people.commands import Console
from webapp.people.models import Place, PlaceKind
from webapp.store import db

export = AppGroup("export", help="What goes out: books.")
COMMANDS = (export,)
DAY = click.DateTime(["%Y-%m-%d"])


@export.command("books")
@click.option("--household", default="", help="Number of one household, H00001; all of the place when left out.")
@click.option("--place", default="district", show_default=True, help="Code of a station, street or district.")
@click.option("--from", "since", type=DAY, help="First day; from the beginning when left out.")
@click.option("--to", "until", type=DAY, help="Last day; today when left out.")
@click.option("--format", "kind", type=click.Choice(["csv", "xlsx", "beancount", "pdf"]), default="csv", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
def books(household: str, place: str, since: datetime | None, until: datetime | None, kind: str, out: Path) -> None:
    """The books as CSV, XLSX, PDF or Beancount text."""
    session = db.session()
    found = session.scalar(sa.select(Place).where(Place.code == place)) or session.scalar(
        sa.select(Place).where(Place.kind == PlaceKind.DISTRICT)
    )
    if found is None:
        raise click.ClickException("there is no such place")
    homes = exporting.homes(Console(found.id), household)
    if not homes:
        raise click.ClickException("there is no such household")
    last = until.date() if until else clock.today()
    out.write_bytes(exporting.write(kind, homes, since.date() if since else None, last))
    click.echo(f"{len(homes)} households → {out}")
