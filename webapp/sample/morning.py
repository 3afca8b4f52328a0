"""Today in the demo world, recorded through the inbox like any other day: done, on duty, late, nobody home, still to come."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageDraw

from webapp.cards import queries as cards
from webapp.cards.drawing import letters
from webapp.kit import clock, ids, money
from webapp.ledger.rows import Entry
from webapp.roster import queries as roster
from webapp.roster.models import Shift
from webapp.sample.frame import Home
from webapp.store import db, files, inbox

BOUGHT = ("白菜", "豆腐", "鸡蛋")
SLIPS = 4


def begin(homes: list[Home], draw: random.Random) -> None:
    """Live today as far as it has come. The fourth home's caregiver is late; the last home's door stays shut."""
    _bring_slips(homes, draw)
    late, shut = (3, len(homes) - 1) if len(homes) >= 5 else (None, None)
    for n, home in enumerate(homes):
        for shift in roster.coming(home.household.id, clock.today(), clock.today()):
            starts, ends = clock.instant(shift.day, shift.start_min), clock.instant(shift.day, shift.end_min)
            if starts + timedelta(minutes=3) > clock.now() or n == late:
                continue
            if n == shut:
                _send(
                    "visits.nobody", home, starts, household=home.household.id, shift=shift.id, rang=True, phoned=True, told=True
                )
            else:
                _visit(home, shift, starts + timedelta(minutes=draw.randint(-4, 3)), ends, draw)


def _bring_slips(homes: Sequence[Home], draw: random.Random) -> None:
    """Something bought lately whose slip is photographed only this morning."""
    for home in homes[:SLIPS]:
        bought = sa.select(Entry).where(Entry.household_id == home.household.id, Entry.kind == "spend", Entry.seen.is_(False))
        entry = db.session().scalar(bought.where(Entry.fen <= -2000).order_by(Entry.at.desc(), Entry.id).limit(1))
        if entry:
            picture = receipt(-entry.fen, entry.words.split("、"), draw)
            _send("ledger.receipt", home, clock.now(), photo=("receipt", picture), entry=entry.id)


def _visit(home: Home, shift: Shift, arrived: datetime, ends: datetime, draw: random.Random) -> None:
    card = next(each for each in cards.of_household(home.household.id) if each.resident_id)
    place: dict[str, Any] = {
        "accuracy_m": 14,
        "fix_age_ms": 1200,
        "place_state": "ok",
        "lat_e6": home.spot.lat_e6,
        "lon_e6": home.spot.lon_e6,
    }
    scan: dict[str, Any] = {"token": card.token, "method": "scan", **place}
    _send("visits.arrive", home, arrived, visit=shift.visit_id, household=home.household.id, shift=shift.id, **scan)
    if ends < clock.now():
        _send("visits.services", home, ends, visit=shift.visit_id, done=list(shift.items), refused=[])
        _send("logs.write", home, ends, visit=shift.visit_id, mood="good", meals="well", story="吃得好，精神也好，说了会儿家常。")
        fen = draw.randint(80, 450) * 10
        _send(
            "ledger.spend", home, ends, photo=("receipt", receipt(fen, BOUGHT, draw)), household=home.household.id,
            visit=shift.visit_id, amount_fen=fen, category="EX-VEG", source="cash", words="、".join(BOUGHT),
        )  # fmt: skip
        _send("visits.leave", home, ends, visit=shift.visit_id, **scan)


def _send(kind: str, home: Home, at: datetime, photo: tuple[str, bytes] | None = None, **body: Any) -> None:
    photos = []
    if photo:
        photos = [{"field": photo[0], "sha256": files.take(photo[1]), "size": len(photo[1]), "type": "image/jpeg"}]
    plain = {
        name: str(value) if hasattr(value, "hex") and not isinstance(value, int | str) else value for name, value in body.items()
    }
    plain = {name: value for name, value in plain.items() if value is not None}
    envelope = inbox.plain(kind, plain, photos, author=home.account.id, key=ids.new(), made_at=min(at, clock.now()))
    db.settle()
    inbox.receive(envelope, None, home.account.id)


def receipt(fen: int, things: Sequence[str], draw: random.Random) -> bytes:
    """A drawn till slip, as JPEG; no two alike."""
    image = Image.new("RGB", (360, 420), "#fbfaf6")
    pen = ImageDraw.Draw(image)
    lines = [
        "示例菜市场（虚构）",
        f"小票 {draw.randint(100000, 999999)}",
        "",
        *things,
        "",
        f"合计 ¥{money.show(fen)}",
    ]
    for n, line in enumerate(lines):
        pen.text((30, 30 + n * 44), line, font=letters.font(30), fill="#222")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
