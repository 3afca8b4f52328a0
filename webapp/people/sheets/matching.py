"""Who of the sheet is already here: by identity number, else name and birth, else name and phone, else ask."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace

from webapp.kit.words import _l
from webapp.people.sheets.cells import key
from webapp.people.sheets.facts import (
    Answers,
    Birth,
    Change,
    Choice,
    Kin,
    KnownPerson,
    PersonFacts,
    Plan,
    Question,
    RowOut,
    Same,
    Update,
)


def match(rows: Sequence[RowOut], known_people: Sequence[KnownPerson], answers: Answers | None = None) -> Plan:
    """What importing `rows` would do. Blank cells erase nothing; phones, alerts and kin are added, never dropped.

    Reading the same file again gives only `same`. `answers` closes questions of `Plan.ask` and of `Reading`.
    """
    return _Matcher(known_people, answers or {}).plan(rows)


def inseparable(one: PersonFacts, other: PersonFacts) -> bool:
    """Whether two people of one name may be one: no identity number, birth or sex speaks against it.

    Two equal identity numbers are no question but a fault; so are two different ones an answer.
    """
    if one.national_id and other.national_id:
        return False
    if one.birth and other.birth and not one.birth.agrees(other.birth):
        return False
    return not (one.sex and other.sex and one.sex != other.sex)


def merged(old: PersonFacts, new: PersonFacts) -> PersonFacts:
    """`old` with everything that `new` says; the phones of `new` come first, nothing known is lost."""
    return replace(
        old,
        name=old.name if key(old.name) == key(new.name) else new.name or old.name,
        sex=new.sex or old.sex,
        birth=_birth(old, new),
        national_id=new.national_id or old.national_id,
        phones=_joined(new.phones, old.phones),
        station=new.station or old.station,
        address=_unless_same(old.address, new.address),
        tier=new.tier or old.tier,
        alerts=_joined(old.alerts, new.alerts),
        relation=new.relation or old.relation,
        kin=_kin(old.kin, new.kin),
        caregiver=_unless_same(old.caregiver, new.caregiver),
        role=new.role or old.role,
    )


@dataclass(frozen=True)
class _Found:
    """One known person, or a question, or neither: new."""

    person: KnownPerson | None = None
    question: Question | None = None


class _Matcher:
    def __init__(self, known_people: Sequence[KnownPerson], answers: Answers) -> None:
        self.answers = answers
        self.by_id: dict[str, KnownPerson] = {}
        self.by_name: dict[str, list[KnownPerson]] = {}
        for person in known_people:
            if person.facts.national_id:
                self.by_id[person.facts.national_id] = person
            self.by_name.setdefault(key(person.facts.name), []).append(person)

    def plan(self, rows: Sequence[RowOut]) -> Plan:
        new, update, same, ask = [], [], [], []
        taken: dict[Hashable, int] = {}
        for row in rows:
            found = self._find(row)
            if found.person and found.person.id in taken:
                found = self._taken_before(row, found.person, taken[found.person.id])
            if found.question:
                ask.append(found.question)
            elif not found.person:
                new.append(row)
            else:
                taken[found.person.id] = row.row
                changes = _changes(found.person.facts, row.facts)
                if changes:
                    update.append(Update(found.person.id, row, changes))
                else:
                    same.append(Same(found.person.id, row))
        return Plan(tuple(new), tuple(update), tuple(same), tuple(ask))

    def _find(self, row: RowOut) -> _Found:
        facts = row.facts
        if facts.national_id and (person := self.by_id.get(facts.national_id)):
            return self._of_one_number(row, person)
        namesakes = self.by_name.get(key(facts.name), [])
        maybe = [person for person in namesakes if inseparable(person.facts, facts)]
        sure = [person for person in maybe if _same_birth(person.facts, facts)]
        if len(sure) != 1:
            pool = sure or maybe
            sure = [person for person in pool if set(person.facts.phones) & set(facts.phones)] or sure
        if len(sure) == 1:
            return _Found(sure[0])
        return self._ask_who(row, sure or maybe) if maybe else _Found()

    def _of_one_number(self, row: RowOut, person: KnownPerson) -> _Found:
        if key(person.facts.name) == key(row.facts.name):
            return _Found(person)
        say = _l("身份证号是%(old)s的，姓名却写%(new)s，是同一个人吗？", old=person.facts.name, new=row.facts.name)
        choices = (Choice("same", _l("是，改成新名字")),)
        return self._asked(row, person, "name_differs", say, choices)

    def _ask_who(self, row: RowOut, maybe: Sequence[KnownPerson]) -> _Found:
        say = _l("已有一位%(name)s，是同一个人吗？", name=row.facts.name)
        if len(maybe) == 1:
            same = Choice("same", _l("是同一个人"))
            different = Choice("different", _l("是两个人，同名"))
            return self._asked(row, maybe[0], "same_name_known", say, (same, different))
        choices = [Choice(f"same:{one.id}", _l("住%(address)s的那位", address=one.facts.address)) for one in maybe]
        return self._asked_of_many(row, maybe, say, (*choices, Choice("different", _l("都不是，同名"))))

    def _asked(self, row: RowOut, person: KnownPerson, code: str, say: object, choices: tuple[Choice, ...]) -> _Found:
        name = f"{code}:{row.row}:{row.part}"
        answer = self.answers.get(name)
        if answer == "same":
            return _Found(person)
        if answer == "different" and len(choices) > 1:
            return _Found()
        return _Found(question=_question(name, row, code, say, choices, person.id))

    def _asked_of_many(self, row: RowOut, maybe: Sequence[KnownPerson], say: object, choices: tuple[Choice, ...]) -> _Found:
        name = f"same_name_known:{row.row}:{row.part}"
        answer = self.answers.get(name)
        if answer == "different":
            return _Found()
        for person in maybe:
            if answer == f"same:{person.id}":
                return _Found(person)
        return _Found(question=_question(name, row, "same_name_known", say, choices, None))

    def _taken_before(self, row: RowOut, person: KnownPerson, earlier: int) -> _Found:
        say = _l("这一行和第%(row)d行像是同一个人，请留一行", row=earlier)
        name = f"one_person_twice:{row.row}:{row.part}"
        choices = (Choice("different", _l("是两个人，同名")),)
        if self.answers.get(name) == "different":
            return _Found()
        return _Found(question=_question(name, row, "one_person_twice", say, choices, person.id, earlier))


def _question(
    name: str, row: RowOut, code: str, say: object, choices: tuple[Choice, ...], known: Hashable | None,
    other_row: int | None = None,
) -> Question:  # fmt: skip
    return Question(name, row.row, None, str(row.row), code, say, choices, other_row, known)


def _same_birth(one: PersonFacts, other: PersonFacts) -> bool:
    """A bare year is too little to know somebody by."""
    if not (one.birth and other.birth) or "year" in (one.birth.precision, other.birth.precision):
        return False
    return one.birth.agrees(other.birth)


def _changes(old: PersonFacts, new: PersonFacts) -> tuple[Change, ...]:
    after = merged(old, new)
    pairs = ((one.name, getattr(old, one.name), getattr(after, one.name)) for one in fields(PersonFacts))
    return tuple(Change(name, was, now) for name, was, now in pairs if was != now)


def _birth(old: PersonFacts, new: PersonFacts) -> Birth | None:
    if old.birth and new.birth:
        return old.birth.sharper(new.birth) if old.birth.agrees(new.birth) else new.birth
    return new.birth or old.birth


def _unless_same(old: str, new: str) -> str:
    return old if not new or key(old) == key(new) else new


def _joined(first: tuple[str, ...], then: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first + then))


def _kin(old: tuple[Kin, ...], new: tuple[Kin, ...]) -> tuple[Kin, ...]:
    """One relative is known by name; a nameless one by phone."""
    known = list(old)
    for one in new:
        at = next((n for n, had in enumerate(known) if _same_kin(had, one)), None)
        if at is None:
            known.append(one)
        else:
            had = known[at]
            known[at] = Kin(had.name or one.name, one.relation or had.relation, _joined(one.phones, had.phones))
    return tuple(known)


def _same_kin(one: Kin, other: Kin) -> bool:
    if one.name and other.name:
        return key(one.name) == key(other.name)
    return bool(set(one.phones) & set(other.phones)) or (one.relation == other.relation and not one.phones)
