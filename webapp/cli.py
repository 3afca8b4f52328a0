"""Commands of the house: flask --app wsgi db|words|rules|jobs|audit|serve. Features bring their own."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from webapp.kit import clock
from webapp.store import audit, db, jobs, migrate, rulebook
from webapp.web import language

database = AppGroup("db", help="The database's shape.")
words = AppGroup("words", help="The English catalogue.")
audits = AppGroup("audit", help="The audit chain.")
work = AppGroup("jobs", help="Work for later.")


def init_app(app: Flask) -> None:
    """Hang the commands on `app`."""
    for command in (database, words, audits, work, rules):
        app.cli.add_command(command)


@database.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest revision."""
    migrate.upgrade(db.database().engine)


@database.command("status")
def status() -> None:
    """Say whether the database is current."""
    with db.database().engine.connect() as connection:
        click.echo("\n".join(migrate.behind(connection)) or "current")


@database.command("check")
def check() -> None:
    """Fail when models and history disagree."""
    migrate.differs(db.database().engine)


@database.command("revise")
@click.argument("number")
@click.argument("words")
def revise(number: str, words: str) -> None:
    """Write a revision from the models."""
    migrate.revise(db.database().engine, words, number)


@words.command("compile")
def compile_words() -> None:
    """Join the catalogue for gettext."""
    language.compile_words()


@audits.command("verify")
def verify() -> None:
    """Name what is wrong with the chain; exit 1 if anything is."""
    wrong = audit.verify(db.reading())
    click.echo("\n".join(wrong) or "sound")
    if wrong:
        raise SystemExit(1)


@work.command("run")
def run_jobs() -> None:
    """Do what is due now, nightly work included, and stop."""
    jobs.ask_nightly()
    while jobs.run_due():
        pass


@click.command("rules")
@click.argument("kind")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "valid_from", help="First day (YYYY-MM-DD), default today.")
def rules(kind: str, file: Path, valid_from: str | None) -> None:
    """Add a version of a rule set."""
    if kind not in rulebook.kinds():
        raise click.BadParameter(f"one of {', '.join(rulebook.kinds())}", param_hint="KIND")
    day = datetime.strptime(valid_from, "%Y-%m-%d").date() if valid_from else clock.today()
    with db.transaction():
        rulebook.put(kind, json.loads(file.read_text()), day)
    click.echo(f"{kind}: valid from {day}")
