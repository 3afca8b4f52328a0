"""flask export visits."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click
import sqlalchemy as sa
from tqdm import tqdm

from webapp.kit.month import Month
from webapp.people.models import Place
from webapp.store import audit, db
from webapp.visits import exporting
from webapp.visits.exporting import Wanted
from webapp.web.exports import export

COMMANDS = [export]


@export.command("visits")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--month", "of", help="YYYY-MM; default: all.")
@click.option("--station", "codes", multiple=True, help="Code of a station; several are possible.")
@click.option("--since", help="Changed since, UTC: 2026-11-01T00:00:00Z.")
@click.option("--format", "kind", type=click.Choice(exporting.FORMATS), help="Default: by the file's ending.")
def export_visits(file: Path, of: str | None, codes: tuple[str, ...], since: str | None, kind: str | None) -> None:
    """Write visits to FILE, one line each; the same visit is always the same line."""
    chosen = kind or file.suffix.lstrip(".")
    if chosen not in exporting.WRITERS:
        raise click.BadParameter("csv, xlsx or json", param_hint="FILE")
    first = date.fromisoformat(f"{of}-01") if of else None
    found = db.reading().execute(sa.select(Place.id, Place.code).where(Place.code.in_(codes))).all() if codes else []
    if len(found) < len(codes):
        raise click.BadParameter(f"unknown: {', '.join(set(codes) - {row.code for row in found})}", param_hint="--station")
    from_ = datetime.fromisoformat(since) if since else None
    wanted = Wanted(first, Month.of(first).last if first else None, [row.id for row in found] if codes else None, from_)
    with file.open("wb") as out, db.reads(), tqdm(desc="visits", unit="") as bar:
        many = exporting.WRITERS[chosen](exporting.lines(wanted), out, lambda n: bar.update(n - bar.n))
    with db.transaction():
        audit.note("visits.export", "command:export", form=chosen, many=many)
    click.echo(f"{many} {file}")
