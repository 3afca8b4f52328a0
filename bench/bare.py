"""The least program that does the same kind of job on the same stack: what Nuanchao's pages are measured against.

A page of 50 rows out of 150,000 by the ORM and Jinja, and one durable row by a form: session cookie, CSRF, insert, commit
with synchronous=FULL, redirect. No permissions, no translation, no audit: that is what it is for.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect, generate_csrf
from jinja2 import DictLoader
from sqlalchemy import event, orm
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.wrappers import Response

ROWS = 150_000
PAGE = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>Visits</title></head><body>
<h1>{{ who }}</h1><table>{% for row in rows %}
<tr><td>{{ row.id }}</td><td>{{ row.name }}</td><td>{{ row.at.strftime('%H:%M') }}</td>
<td>{{ row.minutes }}</td><td>{{ row.state }}</td></tr>{% endfor %}</table></body></html>"""


class Base(orm.DeclarativeBase):
    """The bare program's one table."""


class BareRow(Base):
    """A visit without anything around it."""

    __tablename__ = "bare_row"
    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    place: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime]
    minutes: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(8))
    __table_args__ = (sa.Index("ix_bare_row_place_at", "place", "at"),)


def make_engine(url: str) -> sa.Engine:
    """As Nuanchao's: WAL with full sync on SQLite."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=8, max_overflow=8)
    engine = sa.create_engine(url, connect_args={"timeout": 5, "check_same_thread": False}, pool_size=8, max_overflow=8)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=wal", "synchronous=full", "busy_timeout=5000"):
            connection.execute(f"pragma {pragma}")

    return engine


def fill(url: str) -> None:
    """The table with its rows, in the database Nuanchao uses too; nothing when they are there."""
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    began = datetime(2026, 1, 1, 8)
    with engine.begin() as connection:
        if connection.scalar(sa.select(BareRow.id).limit(1)) is None:
            for start in range(0, ROWS, 5000):
                rows = [
                    {
                        "place": n % 50,
                        "name": f"Visit {n}",
                        "at": began + timedelta(minutes=n),
                        "minutes": n % 200,
                        "state": "done",
                    }
                    for n in range(start, start + 5000)
                ]
                connection.execute(sa.insert(BareRow), rows)
    with engine.begin() as connection:
        connection.exec_driver_sql("analyze bare_row")
    engine.dispose()


def create_app() -> Flask:
    """The bare application on DATABASE_URL."""
    app = Flask("bare")
    app.config.update(SECRET_KEY="bare", WTF_CSRF_TIME_LIMIT=None)
    app.jinja_loader = DictLoader({"list.html": PAGE})
    CSRFProtect(app)
    make = orm.sessionmaker(make_engine(os.environ["DATABASE_URL"]))

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/sign-in")
    def sign_in() -> str:
        session["who"] = "bare"
        return str(generate_csrf())

    @app.get("/list")
    def rows() -> ResponseReturnValue:
        place = int(request.args.get("place", 0))
        with make() as reading:
            found = reading.scalars(sa.select(BareRow).where(BareRow.place == place).order_by(BareRow.at.desc()).limit(50)).all()
            return render_template("list.html", rows=found, who=session.get("who", ""))

    @app.post("/insert")
    def insert() -> Response:
        with make() as writing:
            now = datetime.now(UTC).replace(tzinfo=None)
            writing.add(BareRow(place=int(request.form["place"]), name=request.form["name"], at=now, minutes=0, state="open"))
            writing.commit()
        return redirect("/list", 303)

    return app
