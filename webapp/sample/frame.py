"""The frame of the demo world, made by the same verbs the clerks use: places, people, households, plans, cards."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from webapp.access import Role
from webapp.cards import models as cards
from webapp.cards.models import CardKind
from webapp.kit import clock, ids
from webapp.ledger import agreeing
from webapp.ledger.rules import Terms
from webapp.people import models as people
from webapp.people.models import Account, Contact, DutyHour, Household, Person, Place, PlaceKind, Spot
from webapp.roster import models as roster
from webapp.roster.models import ServicePlan
from webapp.sample import rules
from webapp.store import db, rulebook

PASSWORD = "nuanchao-demo"  # noqa: S105  # printed on every start of the demo
CENTRE = (38_910_000, 121_600_000)
ITEMS = ("MEAL-01", "CLEAN-01", "MIND-01", "MED-03", "CLEAN-05", "SHOP-01", "MOVE-01", "HLTH-02", "CLEAN-02")
STARTS = (480, 510, 540, 570, 600, 630, 840, 870, 900)
UNITS = (1, 2, 3)
"""Households of the small world's three caregivers."""
SMALL = ((-40, 90, 510), (-150, 90, 510), (60, 60, 630), (-25, 60, 660), (-190, 60, 480), (-100, 60, 570))
"""Of its six homes: when somebody comes, minutes from now; how long; when, if now is the middle of the night."""


def small_start(n: int) -> int:
    """When home `n` of the small world is visited, so that whoever tries it meets a day in full swing."""
    now, (away, _long, otherwise) = clock.minute_of(clock.now()), SMALL[n]
    return (now + away) // 5 * 5 if 200 <= now <= 1300 else otherwise


@dataclass
class Home:
    """A made household with what its history needs."""

    household: Household
    caregiver: Person
    account: Account
    head: Account
    plan: ServicePlan
    spot: Spot


@dataclass
class World:
    """What was made."""

    homes: list[Home] = field(default_factory=list)
    stations: int = 0


class Builder:
    """Makes one world from the facts of org_example.json, drawing everything from one seeded source."""

    def __init__(self, facts: dict[str, Any], draw: random.Random, since: datetime) -> None:
        self.facts, self.draw, self.since = facts, draw, since
        self.people: dict[str, list[str]] = facts["fictitious_people"]
        self.figures: dict[str, Any] = facts["generator"]
        self.world = World()
        self.phones = 0
        self.heads: dict[uuid.UUID, Account] = {}

    def build(self, size: str) -> Iterator[int]:
        """Make everything; yields the number of households made after each one."""
        town = self.facts["district"]
        district = people.found_place(PlaceKind.DISTRICT, town["code"], town["zh"], phone="0411-0000 1000")
        db.session().flush()
        self._office(district, (("district", Role.DISTRICT_OFFICER), ("reviewer", Role.DISTRICT_REVIEWER)))
        self._office(district, (("auditor", Role.AUDITOR), ("admin", Role.ADMINISTRATOR)))
        for street in self.facts["streets"][: rules.STREETS_OF[size]]:
            yield from self._street(district, street, size)

    def _street(self, district: Place, facts: dict[str, Any], size: str) -> Iterator[int]:
        first = not self.world.homes
        street = people.found_place(PlaceKind.STREET, facts["code"], facts["zh"], district, "0411-0000 1234")
        db.session().flush()
        for weekday in range(7):
            row = DutyHour(place_id=street.id, weekday=weekday, since=0, until=1440, name="街道值班室", phone="0411-0000 1234")
            db.session().add(row)
        if first:
            self._office(street, (("street", Role.STREET_MANAGER), ("inspector", Role.INSPECTOR)))
        couples = rules.couples(self.draw, facts["households"], facts["elders"])
        for n, community in enumerate(facts["communities"][:1] if size == "small" else facts["communities"]):
            station = people.found_place(
                PlaceKind.STATION, community["code"], f"{community['zh']}居家养老服务站", street, f"0411-0000 {5000 + n:04d}"
            )
            db.session().flush()
            self.world.stations += 1
            self._head(station, first and n == 0)
            if size == "small":
                yield from self._small(station)
            else:
                yield from self._station(station, [couples.pop() for _ in range(community["households"])])

    def _head(self, station: Place, named: bool) -> None:
        if named:
            self._office(station, (("head", Role.STATION_HEAD), ("doctor", Role.DOCTOR), ("liaison", Role.LIAISON)))
        else:
            self._office(station, ((f"head-{station.code.lower()}", Role.STATION_HEAD),))

    def _office(self, place: Place, roles: tuple[tuple[str, Role], ...]) -> None:
        for login, role in roles:
            who = people.welcome(
                rules.person(self.draw, self.people, "given_staff"),
                place if place.kind == PlaceKind.STATION else None,
                phone=self._phone(),
            )
            account = people.open_account(who, role, place, login=login, password=PASSWORD)
            if role == Role.STATION_HEAD:
                self.heads[place.id] = account

    def _small(self, station: Place) -> Iterator[int]:
        """Caregivers of one, two and three households; a couple, a home without signal, a child as caregiver."""
        n = 0
        for caregiver_number, held in enumerate(UNITS):
            account = self._caregiver(station)
            for _ in range(held):
                self._home(
                    station,
                    account,
                    couple=n == 1,
                    no_signal=n == 4,
                    relative=caregiver_number == 0,
                    start_min=small_start(n),
                    minutes=SMALL[n][1],
                )
                n += 1
                yield n
        self._caregiver(station)

    def _station(self, station: Place, couples: list[bool]) -> Iterator[int]:
        """One caregiver to a household, as the founding text has it; some homes without signal."""
        share = self.figures["visits"]["no_network_share"]
        for couple in couples:
            self._home(
                station,
                self._caregiver(station),
                couple=couple,
                no_signal=self.draw.random() < share,
                relative=self.draw.random() < 0.1,
                start_min=self.draw.choice(STARTS),
                minutes=self.draw.choice((90, 120, 150)),
            )
            yield len(self.world.homes)

    def _caregiver(self, station: Place) -> Account:
        who = people.welcome(
            rules.person(self.draw, self.people, "given_caregiver"),
            station,
            phone=self._phone(),
            sex="f" if self.draw.random() < self.figures["caregiver"]["female_share"] else "m",
            birth_date=date(clock.today().year - rules.pick(self.draw, self.figures["caregiver"]["age_bands"]), 3, 1),
        )
        passed = clock.day_of(self.since)
        db.session().add(people.Clearance(person_id=who.id, course="basic", passed_on=passed))
        cards.issue(CardKind.BADGE, badge=who)
        return people.open_account(who, Role.CAREGIVER, station)

    def _home(
        self, station: Place, account: Account, *, couple: bool, no_signal: bool, relative: bool, start_min: int, minutes: int
    ) -> None:
        draw, today = self.draw, clock.today()
        house = people.settle_household(
            station,
            f"示例路{draw.randint(1, 99)}号{draw.randint(1, 6)}单元{draw.randint(1, 7)}0{draw.randint(1, 4)}",
            no_signal=no_signal,
        )
        tier = draw.choices("ABCD", (18, 42, 28, 12))[0]
        elders = [rules.elder(draw, self.figures, self.people, today, "m" if couple else None)]
        if couple:
            elders.append(rules.elder(draw, self.figures, self.people, today, "f"))
        for elder in elders:
            resident = people.take_in(house, elder.name, sex=elder.sex, birth_date=elder.birth, tier=tier, phone=self._phone())
            db.session().flush()
            for words, kind, level in elder.alerts:
                people.warn(resident, words, kind=kind, level=level)
            cards.issue(CardKind.RESIDENT, resident=resident)
            self._kin(resident, account)
        cards.issue(CardKind.PLATE, household=house)
        spot = Spot(
            household_id=house.id,
            name="家",
            lat_e6=CENTRE[0] + draw.randint(-9000, 9000),
            lon_e6=CENTRE[1] + draw.randint(-9000, 9000),
        )
        neighbour = Contact(
            id=ids.new(),
            household_id=house.id,
            kind="neighbour",
            name="邻居" + rules.person(draw, self.people, "given_staff"),
        )
        neighbour.set_phone(self._phone())
        db.session().add_all([spot, neighbour])
        people.pair(house, account.person, relative=relative, since=self.since)
        items = sorted(draw.sample(ITEMS[1:], draw.randint(2, 4)) + [ITEMS[0]])
        plan = roster.plan(house, range(7), start_min, minutes, items, valid_from=clock.day_of(self.since))
        self._agree(house, account)
        self.world.homes.append(Home(house, account.person, account, self.heads[station.id], plan, spot))

    def _agree(self, house: people.Household, by: Account) -> None:
        """What was agreed about the household's money, the day care began."""
        given = rulebook.default("money")["thresholds"]
        receipt, entry = (given[name]["value_fen"] for name in ("receipt_from", "ask_first_from"))
        terms = Terms(receipt, entry, month=1_500_00, cash=500_00)
        elder = house.residents[0].name
        agreeing.agree(
            house.id,
            "家属",
            elder,
            terms,
            by.id,
            since=clock.day_of(self.since),
            asked_by="女儿" if agreeing.by_relative(house.id) else None,
        )

    def _kin(self, resident: people.Resident, by: Account) -> None:
        """A relative with consent to all, some or nothing, in turn."""
        consents = ({"visits", "logs", "health", "money", "photos", "whereabouts"}, {"visits"}, set[str]())
        who = people.welcome(resident.name[0] + self.draw.choice(("敏", "强", "芳", "军")), phone=self._phone())
        people.open_account(who, Role.KIN, None)
        tie = people.relate(resident, who, self.draw.choice(("女儿", "儿子")))
        tie.since = self.since
        people.consent(tie, resident.household_id, set(consents[len(self.world.homes) % 3]), "老人当面说的", by.id)

    def _phone(self) -> str:
        self.phones += 1
        return f"1000000{self.phones % 10000:04d}"
