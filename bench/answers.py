"""python -m bench.answers [--rounds 300] [--guesses 0] [--pg URL]: how long the page behind a card takes to answer.

A known card, a stopped one, an unknown token and a malformed one, in turn, in process, each round in another order; prints
the medians in milliseconds side by side and how far they lie apart (goal: 2 ms). The difference is taken round by round too,
against the known one: it holds on a busy machine. `--guesses`: so many random tokens are looked up first; none may open.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from flask import Flask

from webapp import create_app
from webapp.cards import models as cards
from webapp.cards import queries
from webapp.cards.models import Card, CardKind, new_token
from webapp.kit import settings as installed
from webapp.people import models as people
from webapp.people.models import DutyHour, PlaceKind
from webapp.store import db, migrate

APART_MS = 2


def main() -> None:
    """Measure, and tell."""
    given = argparse.ArgumentParser()
    given.add_argument("--rounds", type=int, default=300)
    given.add_argument("--guesses", type=int, default=0)
    given.add_argument("--pg", default="")
    chosen = given.parse_args()
    silent = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - each answer would be told in a line of its own
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(silent):
        wanted = {"DATA_DIR": folder} | ({"DATABASE_URL": chosen.pg} if chosen.pg else {})
        app = create_app(installed.read(wanted))
        with app.app_context():
            migrate.upgrade(db.database().engine)
            tokens = _lay()
            opened = sum(queries.by_token(new_token()) is not None for _ in range(chosen.guesses))
            db.undo()
        took = _ask(app, tokens, chosen.rounds)
    if chosen.guesses:
        print(f"{chosen.guesses} random tokens, {opened} open")
    middle = {name: statistics.median(each) for name, each in took.items()}
    for name, each in took.items():
        apart = statistics.median(one - known for one, known in zip(each, took["known"], strict=True))
        print(f"{name:10} median {middle[name]:7.2f} ms   against known, round by round {apart:+6.2f} ms")
    far = max(middle.values()) - min(middle.values())
    print(f"apart {far:.2f} ms, goal {APART_MS}: {'met' if far <= APART_MS else 'not met'}")


def _lay() -> dict[str, str]:
    """A station, an elder with a card and one with a stopped card: what stands behind /c/ by name."""
    with db.transaction() as session:
        district = people.found_place(PlaceKind.DISTRICT, "d", "区", phone="0411-0000 0001")
        session.flush()
        street = people.found_place(PlaceKind.STREET, "s", "街道", district, "0411-0000 0002")
        session.flush()
        station = people.found_place(PlaceKind.STATION, "t", "服务站", street, "0411-0000 0003")
        session.flush()
        session.add_all(
            DutyHour(place_id=street.id, weekday=day, since=0, until=1440, name="值班室", phone="0411-0000 0004")
            for day in range(7)
        )
        home = people.settle_household(station, "1号楼")
        elder = people.take_in(home, "甲")
        session.flush()
        known, stopped = (cards.issue(CardKind.RESIDENT, resident=elder) for _ in range(2))
        tokens = {"known": known.token or "", "revoked": stopped.token or "", "unknown": "Z" * 26, "malformed": "x"}
        session.flush()
        cards.revoke_all(Card.id == stopped.id, elder.id, "bench")
    return tokens


def _ask(app: Flask, tokens: dict[str, str], rounds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in tokens}
    browser, names = app.test_client(), list(tokens)
    for n in range(rounds + 20):
        random.shuffle(names)
        for name in names:
            began = time.perf_counter()
            answer = browser.get(f"/c/{tokens[name]}", headers={"Accept-Encoding": "gzip"})
            spent = (time.perf_counter() - began) * 1000
            assert answer.status_code == 200
            if n >= 20:
                took[name].append(spent)
    return took


if __name__ == "__main__":
    print(f"in {Path.cwd().name}, {os.cpu_count()} processors")
    main()
