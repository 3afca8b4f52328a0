"""What a station must do now, in one list: tasks that were opened, and what the day itself tells (asked in `asking`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from webapp.access import Actor, Role
from webapp.deliveries import queries as deliveries
from webapp.deliveries import words as records
from webapp.kit import clock, show
from webapp.kit.words import _
from webapp.ledger import front as books
from webapp.ledger import words as money
from webapp.ledger.rules import Flag, Habits
from webapp.messages import models as messages
from webapp.messages import queries as told
from webapp.messages import rules, words
from webapp.messages.rules import AMBER, BACK, CALL, DONE, LEVELS, OPEN, RANG, RED, TAKE, Item
from webapp.outings import front as outings
from webapp.outings import words as going
from webapp.store import rulebook, secrets
from webapp.today import asking, waiting
from webapp.today.causes import CALLED
from webapp.visits import live, models
from webapp.visits import words as visits
from webapp.visits.live import Moment, Plan

SHOWN = 60


@dataclass(frozen=True)
class Todo:
    """The list, the worst for a resident first; `more`: how many it leaves out. And what has not been read."""

    items: Sequence[Item]
    more: int
    announcements: Sequence[Any]

    @property
    def red(self) -> list[str]:
        """Keys of what is red: an open page makes a sound for each new one."""
        return [item.key for item in self.items if item.level == RED]


def todo(actor: Actor) -> Todo:
    """What must be done now by an office; those above the stations see of them only what the settings say."""
    now, chosen = clock.now(), messages.settings(actor.place_id)
    habits = books.habits(actor.place_id, clock.day_of(now))
    levels = LEVELS if actor.role == Role.STATION_HEAD else tuple(chosen["above"])
    found = asking.look(actor, now, levels, habits)
    gone = {
        row.a for row in found.get("handled", ())
        if not rules.comes_back(row.one.get("said"), row.at, now, chosen["again_min"])
    }  # fmt: skip
    items = [item for item in _items(found, now, chosen, habits) if item.key not in gone]
    listed = rules.in_order(rules.one_each(items), chosen["kinds"])
    return Todo(listed[:SHOWN], len(listed[SHOWN:]), found.get("announcement", ()))


# -- its lines --


def _items(found: dict[str, list[Any]], now: datetime, chosen: Mapping[str, Any], habits: Habits) -> Iterator[Item]:
    kinds = chosen["kinds"]
    for row in found.get("task", ()):
        yield _task(row)
    for row in found.get("sighting", ()):
        yield _sighting(row, now, kinds)
    for line in outings.front_in(found):
        yield _outing(line, kinds)
    for row in found.get("shift", ()):
        yield from _shift(row, now, chosen)
    for row in found.get("nobody", ()):
        if rules.rests(row.b, row.due, now, chosen):
            continue
        about = " · ".join([*([row.d] if row.d else []), _("已打给站里") if row.n else _("还没打给站里")])
        yield _home("nobody", row, row.at, about, kinds)
    for kind in ("log", "money"):
        for row in found.get(kind, ()):
            yield _home(kind, row, row.at, row.d, kinds)
    yield from waiting.items(found, kinds)
    yield from _records(found, kinds)
    yield from _books(found, now, kinds, habits)


def _sighting(row: Any, now: datetime, kinds: Mapping[str, Any]) -> Item:
    """An elder who was found: red until somebody takes it on, and again when the elder is not home in good time."""
    again = timedelta(minutes=rulebook.current("cards", clock.day_of(now))["home_again_min"])
    rests = row.due is not None and now - row.due < again
    calls = ((_("留电话的人"), secrets.unseal(row.sealed, f"sighting.phone:{row.key}")),) if row.sealed else ()
    title, tap = (_("遇到的老人，还没到家"), OPEN) if row.due else (words.title("found"), TAKE)
    there = url_for("found.show", sighting_id=row.key)
    return Item(
        "found", AMBER if rests else rules.level_of("found", kinds), f"found:{row.key}", row.at, who=row.b or "", title=title,
        about=row.a or _("没有写在哪里"), calls=calls, tap=tap, link=there, deed=there,
    )  # fmt: skip


def _outing(line: outings.Line, kinds: Mapping[str, Any]) -> Item:
    """Somebody is not back, or looked for; red until they are found."""
    if line.kind == outings.LOST:
        about = " · ".join(filter(None, (line.words, _("有人扫了老人的卡") if line.met else "")))
        link, tap, calls, deed = url_for("outings.case", case_id=line.key), OPEN, [("110", "110")], ""
    else:
        company, place, said = line.words.split("|", 2)
        about = " · ".join(filter(None, (str(going.WHERE[place]), said, str(going.WITH[company]))))
        link, tap = url_for("outings.home", household_id=line.household_id), BACK
        calls = [(_("一起去的人"), line.phone)] if line.phone else []
        deed = url_for("outings.turn", outing_id=line.key, turn="back")
    return Item(
        line.kind, rules.level_of(line.kind, kinds), f"{line.kind}:{line.key}", line.since, who=line.name, about=about,
        calls=tuple(calls), tap=tap, title=words.title(line.kind), link=link, deed=deed,
    )  # fmt: skip


def _task(row: Any) -> Item:
    what = (row.one or {}).get("what")
    calls = [(name, phone) for name, phone in row.three or ()]
    if row.sealed and row.a in ("ring", "unseen"):
        calls.insert(0, (row.d, secrets.unseal(row.sealed, f"person.phone:{row.third}")))
    if row.a in CALLED and row.other:
        return _carried(row)
    title = words.title(row.a, row.one) if row.a != "notice" else words.title(what or row.a, row.one)
    about = words.title(what) if what and row.a != "notice" else ""
    there = {row.a, what if row.a == "notice" else None} & words.SETTLED_THERE
    tap = RANG if row.a in ("ring", "unseen") else OPEN if there else DONE
    return Item(
        row.a, row.c, str(row.key), row.at, who=row.b or "", about=about, calls=tuple(calls), due=row.due,
        tap=tap, notice_id=row.fourth, title=title,
        link=told.address(row.e, row.two), deed=url_for("messages.clear", task_id=row.key),
    )  # fmt: skip


def _carried(row: Any) -> Item:
    """A visit of an earlier day that nobody came to: it stays until a call is written down."""
    key = str((row.one or {}).get("about", ""))
    calls = ((row.d, secrets.unseal(row.sealed, f"person.phone:{row.third}")),) if row.sealed else ()
    since = datetime.fromisoformat(row.one["since"]) if "since" in row.one else row.at
    about = " · ".join(filter(None, (_("%(when)s 应到", when=show.when(since)), row.d or _("没排人"))))
    return Item(
        row.a, row.c, key, since, who=row.b or "", about=about, calls=calls, tap=CALL, title=words.title(row.a),
        link=url_for("people.household", household_id=row.other),
        deed=url_for("todo.call", household_id=row.other, about=key),
    )  # fmt: skip


def _shift(row: Any, now: datetime, chosen: Mapping[str, Any]) -> Iterator[Item]:
    """Nobody there, said by the very rule of the live roster."""
    day = clock.day_of(now) - timedelta(days=row.k)
    plan = Plan(row.key, row.a, False, row.third, row.n, row.m, rung=row.b, rung_at=row.at)
    state, _late = live.state_of(plan, Moment(now, day, {}, models.limits(day), chosen))
    if state in (live.TROUBLE, live.GAP, live.SILENT):
        came = _("%(when)s 应到", when=show.when(clock.instant(day, row.n)))
        yield _home(state, row, clock.instant(day, row.n), f"{came} · {row.d or _('没排人')}", chosen["kinds"])


def _home(kind: str, row: Any, since: datetime, about: str, kinds: Any) -> Item:
    """A line about one household that was worked out from the day. `about` names its cause by kind and key."""
    calls = ((row.d, secrets.unseal(row.sealed, f"person.phone:{row.third}")),) if row.sealed else ()
    key, danger = f"{kind}:{row.key}", kind in CALLED
    deed = url_for("todo.call" if danger else "todo.done", household_id=row.other, about=key)
    return Item(
        kind, rules.level_of(kind, kinds), key, since, who=row.a, about=about, calls=calls, tap=CALL if danger else DONE,
        title=words.title(kind), link=url_for("people.household", household_id=row.other), deed=deed,
    )  # fmt: skip


def _records(found: dict[str, list[Any]], kinds: Any) -> Iterator[Item]:
    """What another page settles: the one tap opens it."""
    yield from _visits(found.get("exception", ()), kinds)
    for row in found.get("stray", ()):
        link = url_for("visits.strays")
        yield Item(
            "stray", rules.level_of("stray", kinds), f"stray:{row.key}", row.at, who=row.d, title=words.title("stray"), link=link
        )
    front = deliveries.front_in(found)
    for record in front.records:
        why = _("同一条记了两样内容") if record.twice else _(record.say) if record.say else _("等前面一条，过了一天")
        about, link = f"{records.title_of(record.kind)} · {why}", url_for("deliveries.show", seq=record.seq)
        yield Item(
            "aside", rules.level_of("aside", kinds), f"aside:{record.seq}", record.made_at, who=record.name,
            about=about, title=words.title("aside"), link=link,
        )  # fmt: skip
    for name, label, since in front.owing:
        yield Item(
            "owing", rules.level_of("owing", kinds), f"owing:{name}:{label}", since, who=name, about=label,
            title=words.title("owing"), link=url_for("deliveries.index"),
        )  # fmt: skip


def _books(found: dict[str, list[Any]], now: datetime, kinds: Any, habits: Habits) -> Iterator[Item]:
    """What the household's books ask for; the one tap opens the page that settles it."""
    for line in books.front_in(found, now, habits.consent_hours):
        link = url_for("ledger.book", household_id=line.household_id)
        if line.kind == books.UNCLOSED:
            link = url_for("books.months")
        elif line.entry_id:
            link = url_for("ledger.entry", entry_id=line.entry_id)
        about = line.words or " · ".join(str(money.FLAGS[Flag(code)]) for code in line.codes)
        yield Item(
            line.kind, rules.level_of(line.kind, kinds), f"{line.kind}:{line.household_id}", line.since,
            who="" if line.kind == books.UNCLOSED else line.name, about=about, title=words.title(line.kind), link=link,
        )  # fmt: skip


def _visits(rows: Sequence[Any], kinds: Any) -> Iterator[Item]:
    """One line a visit, however much was found about it."""
    found: dict[uuid.UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.other, []).append(row)
    for key, each in found.items():
        kind = models.FIX if any(row.c == models.FIX for row in each) else models.ACK
        about = " · ".join(dict.fromkeys(visits.exception(row.b) for row in each))
        made = any(row.b != "MISSED" for row in each)
        link = url_for("visits.show", visit_id=key) if made else url_for("review.index", kind=kind)
        yield Item(
            kind, rules.level_of(kind, kinds), f"{kind}:{key}", each[0].at, who=each[0].a, about=about,
            title=words.title(kind), link=link,
        )  # fmt: skip
