"""走失: a search opens without a card, from the phone, the station, kin or an outing, and ends with how they were found."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.cards.models import Card, Sighting
from webapp.kit.refusal import Refusal
from webapp.messages import models as messages
from webapp.messages.rules import AMBER
from webapp.outings import models
from webapp.outings.models import LostCase
from webapp.people.models import Account, HomeCareUnit, Resident
from webapp.store import audit, db
from webapp.store.inbox import Act

FOUND = {"home": "people", "hospital": "hospital"}
"""What the end of a stranger's report says about how somebody was found."""


def report(
    act: Act, *, household: uuid.UUID, resident: uuid.UUID, minutes: str, seen_where: str, clothes: str | None = None,
    words: str | None = None,
) -> str | None:  # fmt: skip
    """A caregiver says on her phone that somebody is lost. It is never refused because the home is not hers."""
    who = models.resident_of(household, resident)
    seen_at = act.at - timedelta(minutes=int(minutes))
    search(who, seen_at, seen_where, clothes or "", words or "", at=act.at, by=act.author_id, key=act.id)
    return "站里马上知道。请先打110，再去找"


def search(
    who: Resident, seen_at: datetime, seen_where: str, clothes: str, words: str, *, at: datetime, by: uuid.UUID, key: uuid.UUID,
    office: bool = False,
) -> LostCase:  # fmt: skip
    """A search for a resident. Unless the `office` itself begins it, a red notice goes to whoever is on duty.

    Their caregiver hears of it too. A second word goes into the search that is open; said twice (`key`) is once.
    Refuses whose care has ended.
    """
    session = db.session()
    if (twice := session.get(LostCase, key)) is not None:
        return twice
    if who.ended_on is not None:
        raise Refusal("no_longer_here", "这位老人已经不由我们照看，请打110")
    if (before := models.searched(who.id)) is not None:
        before.step("heard", " · ".join(filter(None, (seen_where.strip(), clothes.strip(), words.strip()))), by)
        return before
    row = LostCase(
        id=key, household_id=who.household_id, resident_id=who.id, opened_at=at, by_id=by, seen_at=seen_at,
        seen_where=seen_where.strip()[:100], clothes=clothes.strip()[:100], words=words.strip()[:200],
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note("outings.lost", row, row.household_id)
    for outing in models.out(who.id):
        messages.resolve(f"outing:{outing.id}")
    _notify(row, by, office)
    models.tell(row.household)
    return row


def _notify(row: LostCase, by: uuid.UUID, office: bool) -> None:
    """The list of what must be done tells it already, with the name."""
    about: dict[str, Any] = {"household_id": row.household_id, "resident_id": row.resident_id, "endpoint": "outings.case"}
    station, args = row.household.station_id, {"case_id": row.id}
    if not office:
        messages.notify("lost", station, f"lost:{row.id}", listed=False, by=by, args=args, **about)
    hers = sa.select(Account.id).join(HomeCareUnit, HomeCareUnit.caregiver_id == Account.person_id)
    account = db.session().scalar(hers.where(HomeCareUnit.household_id == row.household_id, HomeCareUnit.until.is_(None)))
    if account is not None and account != by:
        messages.notify("lost", station, f"lost:{row.id}:hers", to=account, level=AMBER, args=args, **about)


def met(sighting: Sighting, by: uuid.UUID) -> None:
    """What a stranger reported has ended: whoever was looked for is found."""
    card = db.session().get_one(Card, sighting.card_id)
    case = models.searched(card.resident_id) if card.resident_id else None
    how = FOUND.get(sighting.ending or "")
    if case is not None and how is not None:
        case.close(how, "", by)
