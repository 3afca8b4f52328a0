"""The verbs of the kept forms: what a phone recorded becomes calls, visits and findings. One reading, few writings.

An arrival is never refused; whatever is odd about it becomes an exception that a person looks at later.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, cast

import sqlalchemy as sa

from webapp.cards.models import Card
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.people import queries as people
from webapp.people.models import Account
from webapp.store import audit, db, jobs
from webapp.store.acts import BELIEVABLE
from webapp.store.inbox import Act
from webapp.store.types import Instant, Uuid
from webapp.visits import rules
from webapp.visits.deriving import HAND
from webapp.visits.gather import Known, Open, Shown, know
from webapp.visits.models import (
    DONE,
    IN,
    OUT,
    PHONED,
    VOID,
    Call,
    NobodyHome,
    Seen,
    Service,
    Visit,
    VisitException,
    limits,
    tell,
)
from webapp.visits.rules import Evidence, Finding
from webapp.visits.writing import call_row, card_state, find, keep_place, put, settled, skew_s, touch, update_visit, visit_row

STRAY = "还不知道是哪一户，先记下了，站里会来问您"
GONE = "没找到这次上门，先放在站里，站里会来问您"


PHONED_CODE = rules.CODES[rules.PHONE]


def believable(act: Act) -> Act:
    """A phone whose clock fell back to 1970 did not arrive in 1970: without a bound, the time of receipt is the best guess."""
    return replace(act, made_at=act.received_at, off_s=None) if act.received_at - act.at > BELIEVABLE else act


def arrive(
    act: Act,
    *,
    visit: uuid.UUID | None,
    household: uuid.UUID | None,
    shift: uuid.UUID | None,
    method: str | None,
    **shown: Any,
) -> str | None:
    """Somebody has arrived. Never refused: without a known home the call alone is kept and the station asks."""
    raw, act = act, believable(act)
    key = visit or act.chain or act.id
    seen = Shown.of(method, **shown)
    known = know(act, seen, key, household, shift)
    if known.person_id is None or known.household_id is None or known.station_id is None:
        put(Call, call_row(act, raw, seen, known, key, IN))
        keep_place(act, seen, known)
        audit.note("visits.stray", f"call:{act.id}", method=seen.method)
        return STRAY
    here = known.visit
    if here is not None and _rung_in(here, known):
        _second_evidence(act, raw, seen, known, household, key)
        return None
    again = here is not None and here.visit_state != VOID
    key = act.id if again and here.visit_household_id != known.household_id else key
    former = None if again or known.phoned is None else db.session().get(Visit, known.phoned)
    planned = _shift_for(act, known, key, (former.shift_id if former else None) or shift)
    evidence = _evidence(act, raw, seen, known, household)
    found = [*rules.findings(evidence, known.limits), *_arrival_findings(act, known, planned, again, former)]
    grade = rules.grade(evidence, [finding.code for finding in found], known.limits)
    put(Call, call_row(act, raw, seen, known, key, IN))
    keep_place(act, seen, known)
    row = visit_row(act, seen, known, planned, key, grade)
    if former is not None:
        row |= _turn_out(former, key, act)
    if here is not None and key == here.visit_id:
        if not again:  # 扫错了, and scanned anew
            update_visit(key, {"left_at": None, "voided_at": None, "minutes": None, "leave_by": None, "into_id": None} | row)
            db.session().execute(sa.delete(VisitException).where(VisitException.visit_id == key))
    else:
        put(Visit, row)
    find(key, known.household_id, known.station_id, act.day, found)
    audit.note("visits.arrive", f"visit:{key}", known.household_id, grade=grade, codes=[f.code for f in found], at=act.at)
    tell(known.station_id, known.household_id)
    return None


def _rung_in(here: Any, known: Known) -> bool:
    """Whether this visit stands on what was rung in for the same caregiver in the same home."""
    return bool(
        here.visit_state != VOID
        and here.visit_arrive_by == PHONED_CODE
        and here.visit_caregiver_id == known.person_id
        and here.visit_household_id == known.household_id
    )


def _second_evidence(act: Act, raw: Act, seen: Shown, known: Known, household: uuid.UUID | None, key: uuid.UUID) -> None:
    """One visit, two pieces of evidence: what was rung in, and now her own record. Hers counts; both stay to be read."""
    here = known.visit
    evidence = _evidence(act, raw, seen, known, household)
    found = rules.findings(evidence, known.limits)
    if rules.apart(here.visit_arrived_at, act.at, known.limits):
        found += rules.named([("PHONE_APART", {"arrived": here.visit_arrived_at, "phone": act.at})], known.limits)
    if here.visit_left_at is not None and here.visit_left_at < act.at:
        found += rules.named([("TIME_ORDER", {"arrived": act.at, "left": here.visit_left_at})], known.limits)
    grade = rules.grade(evidence, [finding.code for finding in found], known.limits)
    if here.visit_leave_by == PHONED_CODE:
        grade = rules.worse(grade, "B")
    put(Call, call_row(act, raw, seen, known, key, IN))
    keep_place(act, seen, known)
    change: dict[str, Any] = {"grade": grade}
    if here.visit_adjusted_in_at is None:
        change |= {"arrived_at": act.at, "day": act.day, "arrive_by": rules.CODES[seen.method]}
        if here.visit_left_at is not None:
            change["minutes"] = rules.minutes_between(act.at, here.visit_left_at)
    update_visit(key, change)
    find(key, here.visit_household_id, here.visit_station_id, act.day, found)
    settled(key, [PHONED[IN], "PHONE_DENIED"], act)
    codes = [finding.code for finding in found]
    audit.note("visits.arrive", f"visit:{key}", here.visit_household_id, grade=grade, codes=codes, at=act.at, rung_in=True)
    tell(here.visit_station_id, here.visit_household_id)


def _turn_out(former: Visit, key: uuid.UUID, act: Act) -> dict[str, Any]:
    """What was rung in turns out to be the visit `key`: it counts no more itself, and gives what her phone does not know."""
    told: dict[str, Any] = {}
    if former.left_at is not None and former.left_at >= act.at:
        minutes = rules.minutes_between(act.at, former.left_at)
        told = {"left_at": former.left_at, "leave_by": former.leave_by, "state": DONE, "minutes": minutes}
    update_visit(former.id, {"state": VOID, "voided_at": clock.now(), "into_id": key})
    db.session().execute(
        sa.update(VisitException)
        .where(VisitException.visit_id == former.id, VisitException.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=act.author_id, reason="20")
    )
    return told


def leave(act: Act, *, visit: uuid.UUID, method: str | None, **shown: Any) -> str | None:
    """The caregiver leaves. The first leaving counts; a second one is kept beside it and looked at.

    Refuses a visit that is not hers or was taken back.
    """
    raw, act = act, believable(act)
    seen = Shown.of(method, **shown)
    known = know(act, seen, visit, None, None, at_home=True)
    here = known.visit
    if here is None or here.visit_caregiver_id != known.person_id:
        raise Refusal("no_visit", GONE)
    if here.visit_state == VOID:
        raise Refusal("visit_void", "这次上门已经记成扫错了，先放在站里")
    evidence = _evidence(act, raw, seen, known, here.visit_household_id)
    found = rules.findings(evidence, known.limits)
    rung_in = here.visit_state == DONE and here.visit_leave_by == PHONED_CODE
    corrected = here.visit_adjusted_out_at
    twice = here.visit_left_at is not None and here.visit_state == DONE and not rung_in and not corrected
    left = corrected or act.at
    backwards = left < here.visit_arrived_at
    minutes = rules.minutes_between(here.visit_arrived_at, left)
    if backwards:
        found += rules.named([("TIME_ORDER", {"arrived": here.visit_arrived_at, "left": act.at})], known.limits)
    if twice:
        found += rules.named([("DUPLICATE", {"left": act.at})], known.limits)
    elif not backwards:
        found += rules.length_findings(minutes, here.visit_planned_minutes, known.limits)
    if rung_in and rules.apart(here.visit_left_at, act.at, known.limits):
        found += rules.named([("PHONE_APART", {"left": here.visit_left_at, "phone": act.at})], known.limits)
    put(Call, call_row(act, raw, seen, known, visit, OUT))
    keep_place(act, seen, known)
    grade = rules.worse(here.visit_grade, rules.grade(evidence, [finding.code for finding in found], known.limits))
    over = {"left_at": left, "minutes": minutes, "state": DONE, "leave_by": HAND if corrected else rules.CODES[seen.method]}
    update_visit(visit, {"grade": grade} | ({} if twice else over))
    if rung_in:
        settled(visit, [PHONED[OUT]], act)
    find(visit, here.visit_household_id, here.visit_station_id, here.visit_day, found)
    codes = [finding.code for finding in found]
    audit.note("visits.leave", f"visit:{visit}", here.visit_household_id, grade=grade, minutes=minutes, codes=codes, at=act.at)
    tell(here.visit_station_id, here.visit_household_id)
    return None


def see(act: Act, *, visit: uuid.UUID, token: str | None, number: str | None) -> str | None:
    """Another resident's card was shown during the visit: that resident was met. Refuses a card of another household."""
    here = _mine(act, visit)
    seen = Shown.of(None, token=token, number=number)
    card = db.session().execute(sa.select(Card.id, Card.household_id, Card.resident_id).where(seen.reads_card)).first()
    if card is None or card.household_id != here.household_id:
        raise Refusal("other_card", "这张卡不是这一户的，请再看一下", field="token")
    if card.resident_id is None:
        raise Refusal("plate", "这是门牌码，请扫老人自己的卡", field="token")
    session = db.session()
    row = {"visit_id": visit, "resident_id": card.resident_id, "card_id": card.id, "at": act.at, "act_id": act.id}
    session.execute(db.insert(Seen).values(row).on_conflict_do_nothing())
    audit.note("visits.seen", f"visit:{visit}", here.household_id, resident=card.resident_id)
    tell(here.station_id, here.household_id)
    return None


def serve(act: Act, *, visit: uuid.UUID, done: Sequence[str], refused: Sequence[str], reason: str | None) -> str | None:
    """What was done and what the resident did not want today (it counts as done, with a reason): the whole list anew.

    The newest word wins; a word that comes late does not undo a newer one. Refuses a visit that is not hers.
    """
    here = _mine(act, visit)
    line = db.line()
    line.execute(_FORGET, {"visit": visit, "now": act.at})
    rows = [
        {"visit_id": visit, "code": code, "outcome": outcome, "reason": why, "at": act.at, "act_id": act.id}
        for outcome, codes, why in (("done", done, None), ("refused", set(refused) - set(done), reason or None))
        for code in sorted({code[:20] for code in codes if code})
    ]
    if rows:
        line.execute(_serving(db.session().get_bind().dialect.name), rows)
    touch(visit)
    audit.note("visits.services", f"visit:{visit}", here.household_id, done=sorted(done), refused=sorted(refused))
    tell(here.station_id, here.household_id)
    return None


_SERVICE = cast(sa.Table, Service.__table__)
_FORGET = sa.delete(_SERVICE).where(
    _SERVICE.c.visit_id == sa.bindparam("visit", type_=Uuid()), _SERVICE.c.at <= sa.bindparam("now", type_=Instant())
)


@cache
def _serving(dialect: str) -> Any:
    return db.insert(_SERVICE, dialect).on_conflict_do_nothing()


def void(act: Act, *, visit: uuid.UUID) -> str | None:
    """扫错了: the visit stays visible and counts for nothing. Refuses later than the setting's minutes after arrival."""
    here = _mine(act, visit)
    if here.state == VOID:
        return None
    most = limits(here.day, here.station_id)["void_min"]
    if act.at - here.arrived_at > timedelta(minutes=most):
        raise Refusal("void_late", "过了%(most)s分钟就不能自己撤了，请打给服务站", most=most)
    update_visit(visit, {"state": VOID, "voided_at": act.at})
    db.session().execute(
        sa.update(VisitException)
        .where(VisitException.visit_id == visit, VisitException.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=act.author_id, reason="20")
    )
    audit.note("visits.void", f"visit:{visit}", here.household_id, at=act.at)
    tell(here.station_id, here.household_id)
    return None


def nobody(
    act: Act,
    *,
    household: uuid.UUID,
    shift: uuid.UUID | None,
    rang: bool,
    phoned: bool,
    neighbour: bool,
    told: bool,
    words: str | None,
    **place: Any,
) -> str | None:
    """没人应: nobody answers the door. Refuses a household she was not assigned to at that moment."""
    if not people.may_enter(act.author_id, household, act.at):
        raise Refusal("not_assigned", "这一户当时没排给您，先放在站里核对")
    shown = Shown.of(None, **place)
    known = know(act, shown, act.id, household, shift)
    if known.station_id is None or known.person_id is None:
        raise Refusal("no_household", "没找到这一户，先放在站里")
    planned = _shift_for(act, known, act.id, shift)
    put(
        NobodyHome,
        {
            "id": act.id, "household_id": household, "station_id": known.station_id, "caregiver_id": known.person_id,
            "shift_id": planned.shift_id if planned else None, "day": act.day, "at": act.at, "received_at": act.received_at,
            "rang": rang, "phoned": phoned, "neighbour": neighbour, "told": told, "words": words or None,
            "place_state": shown.state,
        },
    )  # fmt: skip
    keep_place(act, shown, known)
    audit.note("visits.nobody", f"nobody_home:{act.id}", household, told=told, at=act.at)
    due = act.received_at + timedelta(minutes=limits(act.day)["nobody_min"])
    jobs.ask("today.nobody_left", due_at=due, once=f"today.nobody_left:{act.id}", nobody=str(act.id))
    tell(known.station_id, household)
    return None if told else "记下了。请马上打给服务站"


def _mine(act: Act, key: uuid.UUID) -> Any:
    """The columns of the author's own visit. Raises Refusal."""
    found = db.line().execute(_MINE, {"key": key, "author": act.author_id}).first()
    if found is None:
        raise Refusal("no_visit", GONE)
    return found


_MINE = (
    sa.select(cast(sa.Table, Visit.__table__))
    .join(Account, Account.person_id == Visit.caregiver_id)
    .where(Visit.id == sa.bindparam("key", type_=Uuid()), Account.id == sa.bindparam("author", type_=Uuid()))
)


# -- judging --


def _shift_for(act: Act, known: Known, key: uuid.UUID, shift: uuid.UUID | None) -> Any:
    """The shift this arrival answers: the named one, else the household's nearest that day; None when unplanned."""
    for row in known.shifts:
        if row.shift_id == shift or row.shift_visit_id == key:
            return row
    minute = clock.minute_of(act.at)
    near = [(abs(row.start_min - minute), row.start_min, row) for row in known.shifts if not row.attended]
    near = [each for each in near if each[0] <= known.limits["match_min"]]
    return min(near, key=lambda each: each[:2])[2] if near else None


def _evidence(act: Act, raw: Act, shown: Shown, known: Known, opened_for: uuid.UUID | None) -> Evidence:
    given = shown.method in (rules.SCAN, rules.NUMBER)
    home = known.card_home
    return Evidence(
        method=shown.method,
        card=card_state(act, shown, known),
        other_home=given and home is not None and opened_for is not None and home != opened_for,
        assigned=known.assigned,
        place_state=shown.state,
        fix=shown.fix,
        homes=known.spots,
        no_signal=known.no_signal,
        known_device=act.device_id is not None,
        skew_s=skew_s(raw, act),
        width_min=_width_min(act),
        upload_h=int((act.received_at - act.at).total_seconds()) // 3600,
        other_phone=act.courier_id not in (None, act.author_id),
    )


def _width_min(act: Act) -> int | None:
    """Minutes within which the deed must lie. Without our scripts the page itself was signed when it was opened."""
    bound = act.beacon_at or (act.made_at if act.device_id is None else None)
    return None if bound is None else rules.minutes_between(bound, act.received_at)


def _arrival_findings(act: Act, known: Known, planned: Any, again: bool, former: Visit | None = None) -> Iterable[Finding]:
    found: list[tuple[str, dict[str, Any]]] = []
    if planned is None:
        found.append(("UNSCHEDULED", {}))
    else:
        late = rules.late_by(clock.instant(act.day, planned.start_min), act.at)
        if late > known.limits["late_min"]:
            found.append(("LATE_IN", {"minutes": late}))
        if planned.shift_caregiver_id not in (None, known.person_id):
            found.append(("REPLACEMENT", {"planned": planned.shift_caregiver_id}))
    if known.open_visit is not None and (former is None or known.open_visit.id != former.id):
        found += _still_open(act, known, known.open_visit)
    if former is not None and rules.apart(former.arrived_at, act.at, known.limits):
        found.append(("PHONE_APART", {"arrived": former.arrived_at, "phone": act.at}))
    if again:
        found.append(("DUPLICATE", {"arrived": act.at}))
    return rules.named(found, known.limits)


def _still_open(act: Act, known: Known, other: Open) -> list[tuple[str, dict[str, Any]]]:
    """Another visit of hers goes on: the same home a moment ago is one arrival told twice, in the middle of it an overlap.

    One that should have been over lacks its leaving, which is said of itself; one that began later is no matter of this.
    """
    since = (act.at - other.arrived_at).total_seconds() / 60
    if abs(since) <= known.limits["duplicate_min"] and other.household_id == known.household_id:
        return [("DUPLICATE", {"arrived": other.arrived_at, "visit": other.id})]
    return [("OVERLAP", {"visit": other.id})] if 0 <= since < (other.minutes or rules.UNPLANNED_MIN) else []
