"""A visit's page gathered from the houses upstream: who lives there, what was planned, what is already recorded."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webapp.access import Actor
from webapp.cards.models import Card
from webapp.kit import clock
from webapp.ledger import queries as ledger
from webapp.logs import queries as logs
from webapp.logs.forms import WriteForm
from webapp.people import queries as people
from webapp.people.models import Household, Place
from webapp.people.queries import nothing
from webapp.roster import queries as roster
from webapp.roster.models import Shift
from webapp.store import db
from webapp.today import queries
from webapp.visits import queries as visits
from webapp.visits.forms import ArriveForm, LeaveForm, SeenForm, ServicesForm, VoidForm
from webapp.visits.models import OPEN, Visit, limits
from webapp.visits.views import said, tiles


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


def visit(who: Actor, visit_id: uuid.UUID, home: Household | None, shown: Shown) -> dict[str, Any]:
    """Everything the visit page shows. Raises Missing for a visit that is neither hers nor planned for her.

    `home` is given for a visit minted a moment ago.
    """
    found, shift = visits.find(visit_id), roster.shift_by_visit(visit_id)
    if found is not None and found.caregiver_id != who.person_id:
        raise nothing()
    if found is None and home is None and (shift is None or shift.caregiver_id != who.person_id):
        raise nothing()
    home = home or _home(who, found, shift)
    return {
        "visit_id": visit_id,
        "visit": found,
        "state": found.state if found else queries.PLANNED,
        "home": home,
        "shift": shift,
        "shown": shown,
        "names": {each.id: each.name for each in home.residents},
        "alerts": [alert for each in home.residents for alert in each.alerts if each.ended_on is None],
        "numbers": _numbers(home),
        **_recorded(who, visit_id, found, shift, home),
        **_forms(visit_id, home, shift, found, shown),
    }


def _home(who: Actor, found: Visit | None, shift: Shift | None) -> Household:
    key = found.household_id if found else shift.household_id if shift else None
    home = queries.household(who, key) if key else None
    if home is None and found is not None:
        return found.household  # her own visit of a home she may no longer enter
    if home is None:
        raise nothing()
    return home


def _numbers(home: Household) -> queries.Numbers:
    duty = people.duty_now(db.session().get_one(Place, home.station_id))
    return queries.numbers(home, (duty.name, duty.phone) if duty else None)


def _recorded(who: Actor, visit_id: uuid.UUID, found: Visit | None, shift: Shift | None, home: Household) -> dict[str, Any]:
    """What the station already has of this visit, and the ids of the acts that say so (data-seen)."""
    facts: dict[str, Any] = {
        "book": ledger.balance(home.id),
        "seen_acts": [],
        "services": [],
        "diary": None,
        "spent": [],
        "seen": set(),
        "minutes": None,
        "camera": True,
    }
    if found is None:
        return facts | tiles(None, shift)
    services, spent = visits.services(visit_id), ledger.of_visit(visit_id)
    acts = [*visits.acts(visit_id), *logs.acts(visit_id), *(line.id for line in spent)]
    return (
        facts
        | tiles(found, shift)
        | {
            "services": services,
            "spent": spent,
            "diary": logs.diary(who, visit_id),
            "seen_acts": acts,
            "seen": visits.seen(visit_id),
            "minutes": int((clock.now() - found.arrived_at).total_seconds() // 60) if found.state == OPEN else None,
        }
    )


def _forms(visit_id: uuid.UUID, home: Household, shift: Shift | None, found: Visit | None, shown: Shown) -> dict[str, Any]:
    kept = visits.services(visit_id) if found else []
    recent = found is not None and found.state == OPEN and clock.now() - found.arrived_at < _void_time(found)
    return {
        "arrive": ArriveForm(
            data={"visit": visit_id, "household": home.id, "shift": shift.id if shift else None, **shown.fields}
        ),
        "leave": LeaveForm(data={"visit": visit_id, **shown.fields}),
        "see": SeenForm(data={"visit": visit_id, **shown.fields}),
        "serve": ServicesForm(data={"visit": visit_id, **said(kept)}),
        "write": WriteForm(data={"visit": visit_id}),
        "void": VoidForm(data={"visit": visit_id}) if recent else None,
    }


def _void_time(found: Visit) -> timedelta:
    return timedelta(minutes=limits(found.day, found.station_id)["void_min"])
