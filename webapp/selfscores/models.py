"""A unit's own scores of a year: written down bit by bit, sent up once, checked item by item by the office above."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.access import Actor
from webapp.kit import clock, ids
from webapp.kit.refusal import Conflict, Refusal
from webapp.kit.words import _l
from webapp.messages import models as messages
from webapp.messages import words as tasks
from webapp.people.models import Place
from webapp.selfscores import rules
from webapp.store import audit, db, rulebook
from webapp.store.db import Base
from webapp.store.traits import Keyed, Made, append_only
from webapp.store.types import Instant, Uuid

OPEN, SENT, CHECKED = "open", "sent", "checked"
KINDS = ("station", "street")
"""The kinds of units that score themselves."""
TASK = "check_scores"

rulebook.ship("self_scores", Path(__file__).parent / "self_scores.json")
tasks.say(TASK, _l("一张自评表交上来了，请核一核"), "clipboard-check", settled_there=True)


def form(kind: str, day: date) -> dict[str, Any]:
    """{"zh", "en", "items": [{"code", "zh", "en", "full"}]} for a kind of unit as it holds on a day."""
    found: dict[str, Any] = rulebook.current("self_scores", day)[kind]
    return found


class SelfScore(Keyed, Made, Base):
    """自评打分表 of one unit and year. lines: item code → {"own", "checked" (tenths or None), "proof", "why"}.

    items: the form as it was when it was sent; until then empty, the one that holds counts.
    """

    __tablename__ = "self_score"
    place_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("place.id"))
    year: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(8), default=OPEN)
    lines: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)
    items: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON(), default=list)
    sent_at: Mapped[datetime | None] = mapped_column(Instant())
    sent_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    checked_at: Mapped[datetime | None] = mapped_column(Instant())
    checked_by: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    place: Mapped[Place] = relationship()
    __table_args__ = (sa.Index("uq_self_score_place_id_year", "place_id", "year", unique=True),)

    @classmethod
    def reach(cls, actor: Actor) -> sa.ColumnElement[bool]:
        """Condition: the unit is within reach."""
        return actor.reaches_station(cls.place_id)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The items: as they were sent, else as they hold now."""
        return self.items or form(self.place.kind, clock.today())["items"]

    def total(self, which: str) -> int | None:
        """Tenths of a point, None while an item is missing. which: rules.OWN or rules.CHECKED."""
        return rules.total(self.asked, self.lines, which)

    def fill(self, own: Mapping[str, tuple[int | None, str]]) -> None:
        """Its own scores (tenths) and proofs by item, as far as they go. Refuses more than full marks, and once it was sent."""
        db.hold(self)
        if self.state != OPEN:
            raise Conflict("sent", "这张表交上去了，不能再改")
        made = {}
        for each in self.asked:
            score, proof = own.get(each["code"], (None, ""))
            if score is not None and score > 10 * each["full"]:
                raise Refusal("over", "最多 %(most)s 分", field=f"own_{each['code']}", most=each["full"])
            made[each["code"]] = {"own": score, "proof": proof.strip()[:300], "checked": None, "why": ""}
        self.lines = made
        audit.note("selfscores.fill", self)

    def send(self, actor: Actor) -> None:
        """Up to the office above. Refuses an item without a score, and points without a word of where the proof is."""
        db.hold(self)
        if self.state != OPEN:
            raise Conflict("sent", "这张表交上去了，不能再改")
        for each in self.asked:
            line = self.lines.get(each["code"], {})
            if line.get("own") is None:
                raise Refusal("missing", "这一项还没打分", field=f"own_{each['code']}")
            if line["own"] and len(line["proof"]) < 2:
                raise Refusal("proof", "给了分就写一句凭什么", field=f"proof_{each['code']}")
        self.items = list(self.asked)
        self.state, self.sent_at, self.sent_by = SENT, clock.now(), actor.account_id
        audit.note("selfscores.send", self, own=self.total(rules.OWN))
        above = self.place.parent_id or self.place_id
        args = {"place_id": self.place_id, "year": self.year}
        messages.open_task(TASK, above, f"selfscore:{self.id}", endpoint="selfscores.show", args=args)

    def check(self, actor: Actor, found: Mapping[str, tuple[int | None, str]]) -> None:
        """The office above gives each item its checked score (tenths), with a reason where it is another than their own.

        Refuses the unit itself and whoever sent it, what was not sent, more than full marks, a gap, and no reason.
        """
        db.hold(self)
        if self.state != SENT:
            raise Conflict("not_sent", "还没交上来，或已经核过了")
        if self.sent_by == actor.account_id or self.place_id == actor.place_id:
            raise Refusal("own", "自己的表要上一级来核")
        made = {}
        for each in self.items:
            line, (score, why) = self.lines[each["code"]], found.get(each["code"], (None, ""))
            if score is None:
                raise Refusal("missing", "这一项还没核", field=f"checked_{each['code']}")
            if score > 10 * each["full"]:
                raise Refusal("over", "最多 %(most)s 分", field=f"checked_{each['code']}", most=each["full"])
            if score != line["own"] and len(why.strip()) < 2:
                raise Refusal("why", "和自评不一样，请写为什么", field=f"why_{each['code']}")
            made[each["code"]] = line | {"checked": score, "why": why.strip()[:300]}
        self.lines = made
        self.state, self.checked_at, self.checked_by = CHECKED, clock.now(), actor.account_id
        messages.resolve(f"selfscore:{self.id}")
        audit.note("selfscores.check", self, own=self.total(rules.OWN), checked=self.total(rules.CHECKED))


append_only("self_score", "checked scores are never changed", but="old.checked_at is null")


def begin(place: Place, year: int) -> SelfScore:
    """The unit's form of a year, laid once. Refuses a unit that has no form, and a year to come."""
    if place.kind not in KINDS:
        raise Refusal("kind", "这里不用自评")
    if year > clock.today().year:
        raise Refusal("future_date", "日子还没到，请改")
    row = {"id": ids.new(), "made_at": clock.now(), "place_id": place.id, "year": year, "state": OPEN, "lines": {}, "items": []}
    session = db.session()
    session.execute(db.insert(SelfScore).values(row).on_conflict_do_nothing(index_elements=["place_id", "year"]))
    return session.scalars(sa.select(SelfScore).where(SelfScore.place_id == place.id, SelfScore.year == year)).one()


def put(kind: str, items: list[dict[str, Any]]) -> None:
    """The district's own items for a kind of unit, from today on; what was sent keeps the items it was sent with."""
    held = rulebook.current("self_scores", clock.today())
    rulebook.put("self_scores", held | {kind: held[kind] | {"items": items}}, clock.today())
    audit.note("selfscores.put", f"self_scores:{kind}", items=len(items))
