"""From rows to what a card says: the heading of its station, the bearer's words, and only what was agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from webapp.access import ROLE_WORDS
from webapp.cards.drawing.face import CardFace, Kind
from webapp.cards.models import CardKind
from webapp.cards.queries import Issued
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.settings import Settings
from webapp.kit.words import _
from webapp.people import queries as people
from webapp.people.models import Place, Resident
from webapp.people.staff import hole_words
from webapp.store import files, rulebook


@dataclass(frozen=True)
class Heading:
    """What all cards of one station share. `address` is what stands before the token, lower case up to /c/."""

    address: str
    sample: bool
    organisation: str
    duty_name: str
    duty_phone: str
    head_phone: str
    footer: str
    badge_words: str


def check(station: Place, street: Place | None) -> None:
    """Refuse while nobody answers for the station at some hour of the week, or there is no number to print."""
    if hours := hole_words(people.duty_holes(station)):
        raise Refusal("duty_hole", "值班表还空着：%(hours)s。排满了才能印卡", hours="；".join(hours))
    if not (street or station).phone:
        raise Refusal("no_duty_phone", "%(place)s还没有对外电话，写上了才能印卡", place=(street or station).name)


def heading(station: Place, street: Place | None, settings: Settings) -> Heading:
    """The heading of a station's cards: the street's duty number large, the head's small."""
    over = street or station
    return Heading(
        address=f"{settings.public_url.lower()}/c/",
        sample=made_up(settings),
        organisation=station.name,
        duty_name=_("%(place)s值班室", place=over.name),
        duty_phone=over.phone or "",
        head_phone=station.phone or "",
        footer=over.name,
        badge_words=rulebook.current("cards", clock.today(), station.id)["badge_words"],
    )


def made_up(settings: Settings) -> bool:
    """Whether cards are only for show: made-up data, or an address that phones out there cannot reach."""
    return settings.sample or not settings.public


def faces(cards: Iterable[Issued], shared: Heading) -> Iterator[CardFace]:
    """What each card says, one after the other: portraits are read when their turn comes."""
    return (face(each, shared) for each in cards)


def face(issued: Issued, shared: Heading) -> CardFace:
    """What one card says. Refuses one that was stopped or is with its bearer: its token is gone."""
    card = issued.card
    if not card.printable:
        raise Refusal("card_gone", "%(name)s的这张卡停用了或已经交出去了，要印就换新卡", name=issued.name)
    bare = CardFace(cast(Kind, card.kind), number=card.number, url=f"{shared.address}{card.token}", sample=shared.sample)
    if card.kind == CardKind.PLATE:
        return bare
    named = replace(
        bare,
        name=issued.name,
        organisation=shared.organisation,
        duty_name=shared.duty_name,
        duty_phone=shared.duty_phone,
        footer=shared.footer,
    )
    return _worn(named, issued.resident, shared) if issued.resident else _badge(named, issued, shared)


def _worn(named: CardFace, resident: Resident, shared: Heading) -> CardFace:
    portrait = resident.portrait if resident.portrait_consent_on else None
    shown = replace(named, head_phone=shared.head_phone, portrait=_photo(portrait))
    if not resident.card_consent_on:
        return shown
    blood = _("%(type)s 型", type=resident.blood_type) if resident.blood_type else ""
    return replace(shown, allergies=_allergies(resident), blood_type=blood)


def _allergies(resident: Resident) -> str:
    """The label already says 过敏: 青霉素过敏 is printed as 青霉素."""
    now = clock.now()
    held = [
        each
        for each in resident.alerts
        if each.kind == "allergy" and each.since <= now and not (each.until and each.until <= now)
    ]
    return "、".join(each.words.removesuffix("过敏") or each.words for each in held)


def _badge(named: CardFace, issued: Issued, shared: Heading) -> CardFace:
    role = str(ROLE_WORDS[issued.role]) if issued.role else ""
    portrait = _photo(issued.person.portrait if issued.person else None)
    return replace(named, role=role, portrait=portrait, other_words=shared.badge_words)


def _photo(sha256: str | None) -> bytes | None:
    path = files.path(sha256) if sha256 else None
    return path.read_bytes() if path and path.exists() else None
