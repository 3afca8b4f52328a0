"""A visit's page gathered from the houses upstream: who lives there, what was planned, what is already recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webapp.access import Actor
from webapp.cards.models import Card
from webapp.kit import clock
from webapp.logs import queries as logs
from webapp.logs.forms import WriteForm
from webapp.logs.rules import draft
from webapp.people.queries import nothing
from webapp.requests.forms import DoneForm
from webapp.store import rulebook
from webapp.today import queries
from webapp.today.queries import Scene
from webapp.visits.forms import ArriveForm, LeaveForm, SeenForm, ServicesForm, VoidForm
from webapp.visits.models import DONE, OPEN, Visit, limits
from webapp.visits.views import said, tiles
from webapp.web.kept import Blank

Rows = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Served:
    """One item of a visit: done, or refused with a reason."""

    code: str
    outcome: str
    reason: str | None


@dataclass(frozen=True)
class Spent:
    """One line of the book, written in the visit; fen as in `ledger.queries.Line`."""

    id: uuid.UUID
    category: str
    words: str
    fen: int


@dataclass(frozen=True)
class Shown:
    """What was held before the phone to get here: a scanned token, a typed number, or nothing."""

    card: Card | None = None
    token: str | None = None
    number: str | None = None

    @property
    def fields(self) -> dict[str, str | None]:
        """As the forms of arriving and leaving take it."""
        return {"token": self.token or None, "number": self.number or None}


def visit(who: Actor, visit_id: uuid.UUID, home_id: uuid.UUID | None, shown: Shown) -> dict[str, Any]:
    """Everything the visit page shows. Raises Missing for a visit that is neither hers nor planned for her.

    `home_id` is given for a visit minted a moment ago, in a household within reach.
    """
    scene = _scene(who, visit_id, home_id)
    home, found, shift = scene.home, scene.visit, scene.shift
    rows = queries.beside(who, visit_id, home, scene.station)
    living = queries.living(rows)
    served = [Served(row.a, row.b, row.c) for row in sorted(rows.get("service", ()), key=lambda row: row.a)]
    return {
        "visit_id": visit_id,
        "visit": found,
        "state": found.state if found else queries.PLANNED,
        "home": home,
        "shift": shift,
        "shown": shown,
        "gate": limits(clock.today(), home.station_id)["fix_age_no_signal_s"] if home.no_signal else None,
        "living": living,
        "names": {each.id: each.name for each in living},
        "alerts": [words for each in living for words in each.alerts],
        "numbers": queries.numbers(rows, scene.station),
        "sent": [(row, Blank(DoneForm, request=row.key)) for row in rows.get("sent", ())],
        "camera": all(_items().get(row.code, {}).get("photo_rule") != "forbidden" for row in served),
        "minutes": int((clock.now() - found.arrived_at).total_seconds() // 60) if found and found.state == OPEN else None,
        **_recorded(scene, rows),
        "services": served,
        **_forms(visit_id, scene, shown, served),
        **tiles(found, shift),
    }


def blank(visit_id: uuid.UUID) -> dict[str, Any]:
    """The forms of a visit in a home that is not known yet."""
    return {
        "visit_id": visit_id,
        "arrive": Blank(ArriveForm, visit=visit_id),
        "leave": Blank(LeaveForm, visit=visit_id),
        "serve": Blank(ServicesForm, visit=visit_id),
        "write": Blank(WriteForm, visit=visit_id),
        **tiles(None),
    }


def _scene(who: Actor, visit_id: uuid.UUID, home_id: uuid.UUID | None) -> Scene:
    scene = queries.scene(who, visit_id, home_id)
    if scene is None:
        raise nothing()
    if scene.visit is not None:
        if scene.visit.caregiver_id != who.person_id:
            raise nothing()  # her own visit stays hers, also of a home she may no longer enter
    elif not scene.mine or not (home_id or (scene.shift and scene.shift.caregiver_id == who.person_id)):
        raise nothing()
    return scene


def _recorded(scene: Scene, rows: Rows) -> dict[str, Any]:
    """What the station already has of this visit, and the ids of the acts that say so (data-seen)."""
    diary, acts = logs.whole(scene.log, scene.home.name, scene.author, rows) if scene.log else (None, [])
    calls, met, spent = rows.get("call", ()), rows.get("seen", ()), rows.get("entry", ())
    told = [row.key for kind in ("call", "seen", "service", "entry") for row in rows.get(kind, ())]
    return {
        "book": scene.held,
        "spent": [Spent(row.key, row.a, row.b, row.n) for row in spent],
        "diary": diary,
        "seen": {row.other for row in [*calls, *met] if row.other},
        "seen_acts": [*dict.fromkeys([*told, *acts])],
    }


def _forms(visit_id: uuid.UUID, scene: Scene, shown: Shown, served: Sequence[Any]) -> dict[str, Any]:
    """The forms that the page draws: what can no longer come has none."""
    found, shift = scene.visit, scene.shift
    recent = found is not None and found.state == OPEN and clock.now() - found.arrived_at < _void_time(found)
    forms: dict[str, Any] = dict.fromkeys(("arrive", "leave", "see", "serve", "write", "void"))
    if found is None or recent or found.state not in (OPEN, DONE):
        home = {"household": scene.home.id, "shift": shift.id if shift else None}
        forms |= {"arrive": Blank(ArriveForm, visit=visit_id, **home, **shown.fields)}
    if found is None or recent:
        forms |= {"void": Blank(VoidForm, visit=visit_id)}
    if found is None or found.state != DONE:
        forms |= {
            "leave": Blank(LeaveForm, visit=visit_id, **shown.fields),
            "see": Blank(SeenForm, visit=visit_id, **shown.fields),
            "serve": Blank(ServicesForm, visit=visit_id, **said(served)),
        }
    if scene.log is None:
        forms |= {"write": Blank(WriteForm, visit=visit_id, story=_draft(served))}
    return forms


def _draft(served: Sequence[Any]) -> str:
    """The diary as the ticks tell it, for the caregiver to go on from."""
    named = [(row.outcome, _items().get(row.code, {}).get("zh", row.code)) for row in served]
    return draft([name for how, name in named if how == "done"], [name for how, name in named if how == "refused"])


def _items() -> dict[str, Any]:
    return {item["code"]: item for item in rulebook.default("services")["items"]}


def _void_time(found: Visit) -> timedelta:
    return timedelta(minutes=limits(found.day, found.station_id)["void_min"])
