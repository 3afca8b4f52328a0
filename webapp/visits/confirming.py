"""That a visit was made, said by somebody else than the caregiver: the resident, a witness, kin. Who, how, when, digest."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.access import Actor
from webapp.cards import queries as cards
from webapp.kit import canonical, clock, ids
from webapp.kit.refusal import Refusal
from webapp.people.models import Account, Kin, Person, Resident
from webapp.store import audit, db
from webapp.store.db import Base
from webapp.store.inbox import Act
from webapp.store.traits import Homed, append_only
from webapp.store.types import Instant, Uuid
from webapp.visits import rules
from webapp.visits.models import Visit, limits, tell
from webapp.visits.writing import find, touch

CARD, FINGER, PRINT, PHONE, WITNESS, NONE = "card", "finger", "print", "phone", "witness", "none"
AT_BED = (CARD, FINGER, PRINT, WITNESS, NONE)
FACES = ("good", "fair", "poor")
WHY_NOT = ("asleep", "unable", "unwilling", "out")
POINTS = 12
"""Of fewer points no name was written."""


class Attestation(Homed, Base):
    """One word about a visit by the resident or for the resident. `id` is the act's, or the station's own."""

    __tablename__ = "attestation"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    way: Mapped[str] = mapped_column(sa.String(8))
    resident_id: Mapped[uuid.UUID | None] = mapped_column(Uuid(), sa.ForeignKey("resident.id"))
    face: Mapped[str | None] = mapped_column(sa.String(4))
    """good, fair or poor: the smiley that was tapped."""
    strokes: Mapped[str] = mapped_column(sa.Text(), default="")
    """A signature: x,y of every point (0 to 999), strokes apart by ;."""
    photos: Mapped[list[str]] = mapped_column(sa.JSON(), default=list)
    name: Mapped[str] = mapped_column(sa.String(40), default="")
    """A witness, or who was rung."""
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    why: Mapped[str | None] = mapped_column(sa.String(10))
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    """SHA-256 of the canonical JSON of what was given."""
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())

    @property
    def counts(self) -> bool:
        """Whether somebody else said it; the reason why nobody could is kept too, and counts for nothing."""
        return self.way != NONE


class KinWord(Homed, Base):
    """属实 or 有疑问: a relative about one visit. The newest word of each holds."""

    __tablename__ = "kin_word"
    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("visit.id"), index=True)
    household_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("household.id"))
    kin_id: Mapped[uuid.UUID] = mapped_column(Uuid(), sa.ForeignKey("kin.id"))
    agrees: Mapped[bool]
    words: Mapped[str] = mapped_column(sa.String(200), default="")
    by_id: Mapped[uuid.UUID] = mapped_column(Uuid())
    at: Mapped[datetime] = mapped_column(Instant())


append_only("attestation", "what was confirmed is never changed")
append_only("kin_word", "what kin said is never changed")


def attest(
    act: Act, *, visit: uuid.UUID, way: str, token: str | None, number: str | None, face: str | None, strokes: str | None,
    witness: str | None, unrelated: bool, words: str | None, why: str | None,
) -> str | None:  # fmt: skip
    """At the bedside, on the caregiver's phone. Refuses another's visit and what `_given` refuses."""
    session = db.session()
    row = session.scalar(
        sa.select(Visit)
        .join(Account, Account.person_id == Visit.caregiver_id)
        .where(Visit.id == visit, Account.id == act.author_id)
    )
    if row is None:
        raise Refusal("no_visit", "没找到这次上门，先放在站里")
    given: dict[str, Any] = {
        "way": way, "face": face or None, "strokes": strokes or "", "photos": act.photo("photo"), "name": (witness or "").strip(),
        "words": (words or "").strip(), "why": why or None,
    }  # fmt: skip
    resident = _given(row, given, token, number, unrelated)
    _keep(row, act.id, given, resident, act.author_id, act.at)
    return None


def by_phone(visit: Visit, actor: Actor, whom: str, words: str) -> Attestation:
    """电话里说的: the station rang. Refuses without whom and without the words, and one's own visit."""
    if visit.caregiver_id == actor.person_id:
        raise Refusal("own_visit", "自己的上门要请别人来问")
    if len(whom.strip()) < 2:
        raise Refusal("no_name", "请写打给了谁", field="whom")
    if len(words.strip()) < 2:
        raise Refusal("no_words", "请写对方怎么说的", field="words")
    given = {"way": PHONE, "name": whom.strip()[:40], "words": words.strip()[:200]}
    return _keep(visit, ids.new(), given, None, actor.account_id, clock.now())


def _given(visit: Visit, given: dict[str, Any], token: str | None, number: str | None, unrelated: bool) -> uuid.UUID | None:
    """Refuse what does not come from somebody else; the resident whose own card it was."""
    way = given["way"]
    if way == CARD:
        card = cards.by_token(token) if token else cards.by_number(number or "")
        if card is None or card.household_id != visit.household_id or card.resident_id is None or not card.live:
            raise Refusal("own_card", "要扫老人自己的卡，门牌码不算", field="token")
        if given["face"] not in FACES:
            raise Refusal("no_face", "请老人点一个笑脸", field="face")
        return card.resident_id
    if way == FINGER and given["strokes"].count(",") < POINTS:
        raise Refusal("no_strokes", "请老人用手指写上名字", field="strokes")
    if way == PRINT and not given["photos"]:
        raise Refusal("no_photo", "请拍下按了手印的纸", field="photo")
    if way == WITNESS:
        _refuse_witness(visit, given["name"], unrelated)
    if way == NONE and given["why"] not in WHY_NOT:
        raise Refusal("no_why", "请选为什么不能确认", field="why")
    if way not in AT_BED:
        raise Refusal("no_way", "请选怎么确认的", field="way")
    return None


def _refuse_witness(visit: Visit, name: str, unrelated: bool) -> None:
    """A witness is neither kin nor the caregiver, and spends none of the resident's money."""
    if len(name) < 2:
        raise Refusal("no_name", "请写见证人的名字", field="witness")
    session = db.session()
    kin = (
        sa.select(Person.name)
        .join(Kin, Kin.person_id == Person.id)
        .join(Resident, Resident.id == Kin.resident_id)
        .where(Resident.household_id == visit.household_id, Kin.holds())
    )
    near = set(session.scalars(kin)) | {session.get_one(Person, visit.caregiver_id).name}
    if name in near or not unrelated:
        raise Refusal("near", "见证人不能是家属、养护员，也不能是经手老人钱的人", field="witness")


def _keep(
    visit: Visit, key: uuid.UUID, given: dict[str, Any], resident: uuid.UUID | None, by: uuid.UUID, at: datetime
) -> Attestation:
    told = {name: value for name, value in given.items() if value}
    body = canonical.canonical({**told, "visit": str(visit.id), "at": clock.to_wire(at)})
    row = Attestation(
        id=key, visit_id=visit.id, household_id=visit.household_id, resident_id=resident, by_id=by, at=at,
        digest=hashlib.sha256(body).digest(), **given,
    )  # fmt: skip
    db.session().add(row)
    touch(visit.id)
    audit.note("visits.attest", f"visit:{visit.id}", visit.household_id, way=given["way"], digest=row.digest.hex())
    tell(visit.station_id, visit.household_id)
    return row


def say(kin: Kin, visit: Visit, actor: Actor, agrees: bool, words: str = "") -> KinWord:
    """One tap of a relative: 属实 or 有疑问. A doubt becomes something the station must put right.

    Refuses the caregiver of the visit, who is no kin here even when a child of the resident.
    """
    if actor.person_id == visit.caregiver_id:
        raise Refusal("own_visit", "自己做的上门，要请别的家属来看")
    row = KinWord(
        id=ids.new(), visit_id=visit.id, household_id=visit.household_id, kin_id=kin.id, agrees=agrees,
        words=words.strip()[:200], by_id=actor.account_id, at=clock.now(),
    )  # fmt: skip
    db.session().add(row)
    if not agrees:
        facts = {"by": actor.person_id, "words": row.words or None}
        doubt = rules.named([("KIN_DOUBT", facts)], limits(visit.day, visit.station_id))
        find(visit.id, visit.household_id, visit.station_id, visit.day, doubt)
        visit.grade = rules.worse(visit.grade, "C")
        db.session().flush()
    touch(visit.id)
    audit.note("family.say", f"visit:{visit.id}", visit.household_id, agrees=agrees)
    tell(visit.station_id, visit.household_id)
    return row
