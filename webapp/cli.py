"""Commands of the house: flask --app wsgi db|words|rules|jobs|audit|backup|serve|phone. Features bring their own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from webapp import calculators, clockwork
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.settings import Settings
from webapp.store import audit, backup, db, jobs, migrate, rulebook
from webapp.web import language, tls

database = AppGroup("db", help="The database's shape.")
words = AppGroup("words", help="The English catalogue.")
audits = AppGroup("audit", help="The audit chain.")
work = AppGroup("jobs", help="Work for later.")
backups = AppGroup("backup", help="Copies of everything, and how one is put back.")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def init_app(app: Flask) -> None:
    """Hang the commands on `app`."""
    for command in (database, words, audits, work, backups, rules, serve, phone):
        app.cli.add_command(command)


@database.command("upgrade")
def upgrade() -> None:
    """Bring the database to the newest revision."""
    migrate.upgrade(db.database().engine)


@database.command("status")
def status() -> None:
    """Say whether the database is current."""
    with db.database().engine.connect() as connection:
        click.echo("\n".join(db.behind(connection)) or "current")


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
@click.option("--anchor", "anchors", multiple=True, help="A head that a receipt or a backup remembers, as SEQ:HEX.")
def verify(anchors: tuple[str, ...]) -> None:
    """Name what is wrong with the chain; exit 1 if anything is."""
    try:
        heads = {int(seq): bytes.fromhex(head) for seq, _sep, head in (each.partition(":") for each in anchors)}
    except ValueError as error:
        raise click.BadParameter("an anchor is SEQ:HEX, as in a receipt's audit_head") from error
    wrong = audit.verify(db.reading(), heads)
    click.echo("\n".join(wrong) or "sound")
    if wrong:
        raise SystemExit(1)


@backups.command("make")
@click.option("--to", "root", type=click.Path(file_okay=False, path_type=Path), help="Lay it in this folder, not in BACKUP_DIR.")
def make_backup(root: Path | None) -> None:
    """Make a backup now, while the server runs."""
    root = root or current_app.extensions["settings"].backup_dir
    if root is None:
        raise click.UsageError("BACKUP_DIR is off: say --to FOLDER")
    _by_operator(lambda: click.echo(backup.make(root)))


@backups.command("check")
@click.argument("folder", type=FOLDER)
def check_backup(folder: Path) -> None:
    """Read a backup and name what is wrong with it; exit 1 if anything is."""
    wrong = backup.check(folder)
    click.echo("\n".join(wrong) or "whole")
    if wrong:
        raise SystemExit(1)


@backups.command("restore")
@click.argument("folder", type=FOLDER)
def restore_backup(folder: Path) -> None:
    """Put a backup in the place of the database. Stop the server first; what is there now is laid aside."""
    _by_operator(lambda: click.echo("\n".join(backup.put_back(folder)) or "restored; the audit chain is sound"))


def _by_operator(deed: Callable[[], None]) -> None:
    try:
        deed()
    except backup.BackupError as wrong:
        raise click.ClickException(str(wrong)) from wrong


@work.command("run")
def run_jobs() -> None:
    """Do what is due now, nightly work included, and stop."""
    jobs.ask_nightly()
    while jobs.run_due():
        pass


@click.command("rules")
@click.argument("kind")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "valid_from", help="Add FILE as rules that hold from this day (YYYY-MM-DD).")
@click.option("--on", help="Answer by the rules of this day (YYYY-MM-DD), default today.")
@click.option("--with", "other", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Answer by these rules.")
def rules(kind: str, file: Path, valid_from: str | None, on: str | None, other: Path | None) -> None:
    """Answer the cases in FILE and print them, or add FILE as a newer version of a rule set.

    Kinds that can be answered: evaluation, inspection, health, assessment, subsidy, calendar,
    draw. With --from, and for every
    other kind, FILE is a rule set and is added.
    """
    try:
        if kind in calculators.CALCULATORS and valid_from is None:
            trial = _rule_set(other) if other else None
            click.echo(calculators.calculate(kind, _text(file), _day(on), trial))
        else:
            _add(kind, file, _day(valid_from))
    except Refusal as wrong:
        raise click.UsageError(wrong.words()) from wrong


def _add(kind: str, file: Path, day: date) -> None:
    if kind not in rulebook.kinds():
        raise click.BadParameter(f"one of {', '.join(rulebook.kinds())}", param_hint="KIND")
    with db.transaction():
        rulebook.put(kind, _rule_set(file), day)
    click.echo(f"{kind}: valid from {day}")


def _rule_set(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(file))
    except ValueError as error:
        raise Refusal("not_json", "这个文件不是一套规则：%(name)s", name=file.name) from error
    if not isinstance(found, dict):
        raise Refusal("not_json", "这个文件不是一套规则：%(name)s", name=file.name)
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise Refusal("not_text", "文件读不懂：它要是 UTF-8 的文字") from error


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else clock.today()
    except ValueError as error:
        raise Refusal("date", "日子要写成 2026-02-14 这样，现在是 %(value)s", value=text) from error


@work.command("clock")
def run_clock() -> None:
    """Wake up every minute and do what is due, for ever."""
    clockwork.make_clock(current_app._get_current_object()).create_consumer(workers=1, periodic=True).run()  # type: ignore[attr-defined]


ROOT = Path(__file__).parents[1]
CLOCK = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "clock"]


@click.command("serve")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--workers", default=2, help="Processes.")
@click.option("--streams", default=100, help="Open live pages each process holds, a thread each; the pages have 16 more.")
def serve(host: str, workers: int, streams: int) -> None:
    """Serve pages and run the clock; when one ends the other is stopped."""
    chosen: Settings = current_app.extensions["settings"]
    os.environ["STREAMS"] = str(streams)
    pages = clockwork.gunicorn(chosen, bind=f"{host}:{chosen.port}", workers=workers, threads=db.AT_ONCE + streams)
    raise SystemExit(clockwork.serve({"pages": pages, "clock": CLOCK}, ROOT))


@click.command("phone")
@click.option("--port", default=8443, help="Port for https.")
@click.option("--address", "only_address", is_flag=True, help="Only say the address.")
def phone(port: int, only_address: bool) -> None:
    """Serve over https on the local network with a certificate of its own, to try it on a real phone."""
    chosen: Settings = current_app.extensions["settings"]
    address = tls.own_address()
    if only_address:
        click.echo(f"https://{address}:{port}")
        return
    certificate, key = tls.certificate(chosen.data_dir / "keys", address)
    url = f"https://{address}:{port}"
    os.environ.update(PUBLIC_URL=url, STREAMS="12")
    click.echo(tls.poster(url))
    extra = ("--certfile", str(certificate), "--keyfile", str(key))
    pages = clockwork.gunicorn(chosen, bind=f"0.0.0.0:{port}", workers=2, threads=db.AT_ONCE + 12, extra=extra)
    raise SystemExit(clockwork.serve({"pages": pages, "clock": CLOCK}, ROOT))
