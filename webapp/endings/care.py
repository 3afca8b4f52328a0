"""Somebody's care ends, in every room at once: no shift, card, task, notice or reminder is left; the survivor's care goes on."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from webapp.access import Actor
from webapp.cards import models as cards
from webapp.cards.models import Card
from webapp.endings import words as said
from webapp.kit import clock
from webapp.ledger import queries as ledger
from webapp.messages import models as messages
from webapp.messages import words as kinds
from webapp.outings import models as outings
from webapp.people import ends
from webapp.people.ends import DEATH, Ending
from webapp.people.models import Household, Resident
from webapp.requests import models as requests
from webapp.roster import closing
from webapp.store import db, rulebook
from webapp.visits import calling_back
from webapp.visits.models import VOID, Visit
from webapp.voices import models as voices
from webapp.welfare import models as welfare

kinds.say("condolence", said.CONDOLENCE, "heart-pulse")
kinds.say("settle_book", said.SETTLE_BOOK, "wallet")
kinds.say("takeover", said.TAKEOVER, "home")


def settings(station_id: uuid.UUID | None = None) -> dict[str, Any]:
    """The dated figures of endings.json."""
    return rulebook.current("endings", clock.today(), station_id)


def end(
    resident: Resident,
    household: Household,
    kind: str,
    day: date,
    actor: Actor,
    *,
    told_by: str,
    reason: str = "",
    words: str = "",
    key: uuid.UUID | None = None,
) -> Ending:
    """End a resident's care from `day`. Refuses what `people.ends.end_care` refuses."""
    by = actor.account_id
    ending = ends.end_care(
        resident, household, kind, day, by=by, told_by=told_by, reason=reason, words=words, key=key
    )  # fmt: skip
    alone = None if ending.last else resident.id
    messages.withdraw(household.id, alone)
    requests.end_for(household.id, alone, by)
    outings.end_for(household.id, alone, by)
    welfare.end_for(household.id, alone)
    which = Card.household_id == household.id if ending.last else Card.resident_id == resident.id
    cards.revoke_all(which, by, str(said.CARD_STOPPED))
    closing.close(household, alone, day, by, _attended(household.id, day))
    if ending.last:
        calling_back.let_go(household.id)
        voices.end_for(household.id, by)
    _ask_station(ending, household)
    return ending


def _attended(household_id: uuid.UUID, day: date) -> set[uuid.UUID]:
    """The shifts from `day` on that somebody came to."""
    ask = sa.select(Visit.shift_id).where(Visit.household_id == household_id, Visit.day >= day, Visit.state != VOID)
    return {key for key in db.session().scalars(ask) if key is not None}


def _ask_station(ending: Ending, household: Household) -> None:
    """What is still to be done, for the station alone: see to the family; settle the book."""
    days = settings(household.station_id)
    held = ledger.balance(household.id)
    owed = ending.last and any((held.cash_fen, held.advance_fen, held.wallet_fen))
    for kind, wanted, within in (
        ("condolence", ending.kind == DEATH, days["condolence_days"]),
        ("settle_book", owed, days["book_days"]),
    ):
        if wanted:
            messages.open_task(
                kind, household.station_id, f"{kind}:{ending.id}", household_id=household.id, endpoint="endings.show",
                args={"ending_id": ending.id}, due_at=ending.at + timedelta(days=within),
            )  # fmt: skip


def undo(ending: Ending, actor: Actor) -> None:
    """It was a mistake: visits stand again from today. Cards that were stopped are issued anew by hand."""
    ends.undo(ending, actor.account_id)
    for kind in ("condolence", "settle_book"):
        messages.resolve(f"{kind}:{ending.id}")
    closing.reopen(ending.household, max(ending.day, clock.today()))


rulebook.ship("endings", Path(__file__).parent / "endings.json")
