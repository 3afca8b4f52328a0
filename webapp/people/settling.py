"""The steps of an import, done: one household, or one person of the staff, through the verbs of people."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from webapp.access import Role
from webapp.kit import ids
from webapp.people import models, queries, rules
from webapp.people.models import Household, Person, Place, Resident
from webapp.people.sheets.facts import Birth
from webapp.store import db

Step = dict[str, Any]
"""Plain JSON: an import can be left and taken up again."""
SEXES = {"male": "m", "female": "f"}


def street_role(role: str) -> bool:
    """Whether the role sits at the street above the station a sheet names."""
    return role in (Role.STREET_MANAGER, Role.INSPECTOR)


def seat(station: Place, role: str) -> uuid.UUID | None:
    """Where the role of a sheet's row sits: at the station it names, or at the street above."""
    return station.street_id or station.id if street_role(role) else station.id


def take_step(step: Step) -> dict[str, int]:
    """Do one step; returns what was done: households, new, changed, paired."""
    return _take_household(step) if step["kind"] == "household" else _take_staff(step)


def _take_household(step: Step) -> dict[str, int]:
    session = db.session()
    station = session.get_one(Place, uuid.UUID(step["station"]))
    found = session.get_one(Household, uuid.UUID(step["household"])) if step["household"] else None
    household = found or models.settle_household(station, step["address"])
    near = _near(household) if found else {}
    for facts in step["new"]:
        _take_in(household, facts, near)
    for change in step["update"]:
        _change_resident(change, station, near)
    if step["pair"]:
        models.pair(household, session.get_one(Person, uuid.UUID(step["pair"])))
    session.flush()
    counts = {"new": len(step["new"]), "changed": len(step["update"]), "paired": int(bool(step["pair"]))}
    return {"households": int(found is None), **counts}


Near = dict[tuple[str, tuple[str, ...]], Person]
"""The relatives a household already has, by name and phones: a couple's daughter is one person."""


def _near(household: Household) -> Near:
    kin = queries.kin([resident.id for resident in household.residents])
    return {(one.person.name, one.person.phones): one.person for one in kin}


def _take_in(household: Household, facts: Step, near: Near) -> None:
    resident = models.take_in(
        household,
        facts["name"],
        national_id=facts["national_id"] or None,
        sex=SEXES.get(facts["sex"] or ""),
        tier=facts["tier"] or None,
        relation=facts["relation"],
        **rules.born(_birth(facts["birth"])),
    )
    resident.set_phones(facts["phones"])
    _warn(resident, facts["alerts"])
    for one in facts["kin"]:
        _relate(resident, one, near)


def _birth(text: str) -> Birth | None:
    return Birth(*map(int, text.split("-"))) if text else None


def _warn(resident: Resident, words: Iterable[str]) -> None:
    for each in words:
        kind, level = rules.alert_kind(each)
        models.warn(resident, each, kind=kind, level=level)


def _relate(resident: Resident, one: Step, near: Near) -> None:
    mark = (one["name"], tuple(one["phones"]))
    if mark not in near:
        near[mark] = models.welcome(one["name"])
        near[mark].set_phones(one["phones"])
    models.relate(resident, near[mark], one["relation"])


def _change_resident(change: Step, station: Place, near: Near) -> None:
    session = db.session()
    resident = session.get_one(Resident, uuid.UUID(change["id"]))
    household, told = resident.household, dict(change["changes"])
    if {"address", "station"} & told.keys():
        moved = station if told.pop("station", None) else None
        address = told.pop("address", household.address)
        models.change_household(household, address, no_signal=household.no_signal, station=moved)
    here = {alert.words for alert in resident.alerts if alert.until is None}
    _warn(resident, [words for words in told.pop("alerts", ()) if words not in here])
    _change_kin(resident, told.pop("kin", ()), near)
    birth = rules.born(_birth(told.pop("birth"))) if "birth" in told else {}
    if "sex" in told:
        told["sex"] = SEXES[told["sex"]]
    models.change(resident, household=household, **told, **birth)


def _change_kin(resident: Resident, told: Iterable[Step], near: Near) -> None:
    """`told` is the whole list as it should be, the known ones first and in their order."""
    known = list(queries.kin([resident.id]))
    for n, one in enumerate(told):
        if n >= len(known):
            _relate(resident, one, near)
            continue
        had = known[n]
        had.relation = one["relation"]
        if (had.person.name, list(had.person.phones)) != (one["name"], list(one["phones"])):
            models.change(had.person, name=one["name"] or None, phones=one["phones"])


def _take_staff(step: Step) -> dict[str, int]:
    session = db.session()
    station = session.get_one(Place, uuid.UUID(step["station"]))
    if new := step.get("new"):
        _welcome_staff(station, new)
        return {"new": 1, "changed": 0}
    told = dict(step["update"]["changes"])
    person = session.get_one(Person, uuid.UUID(step["update"]["id"]))
    if told.pop("station", None):
        person.station_id = station.id
    if role := told.pop("role", None):
        account = queries.account_of(person.id)
        if account:
            models.grant(account, Role(role), session.get_one(Place, seat(station, role)))
    told.pop("address", None)
    if "sex" in told:
        told["sex"] = SEXES[told["sex"]]
    birth = rules.born(_birth(told.pop("birth"))) if "birth" in told else {}
    models.change(person, **told, **birth)
    return {"new": 0, "changed": 1}


def _welcome_staff(station: Place, facts: Step) -> None:
    place = db.session().get_one(Place, seat(station, facts["role"]))
    person = models.welcome(
        facts["name"],
        station if place.id == station.id else None,
        national_id=facts["national_id"] or None,
        sex=SEXES.get(facts["sex"] or ""),
        key=ids.new(),
        **rules.born(_birth(facts["birth"])),
    )
    person.set_phones(facts["phones"])
    models.open_account(person, Role(facts["role"]), place)
