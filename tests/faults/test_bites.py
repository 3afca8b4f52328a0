"""The checker bites: each planted bug is caught by the rule it breaks, and the clean house has none of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from tests.faults import bugs, checker
from tests.faults.checker import Finding
from tests.faults.line import Line, Mood
from tests.faults.nemesis import Restore
from tests.faults.phones import Handset, left
from tests.faults.stage import Home, stage
from tests.store.kit import Phone
from tests.visits.kit import card_of
from tests.world import HOME, World
from webapp.kit import ids
from webapp.people.models import Device
from webapp.store import audit, backup, db

pytestmark = pytest.mark.xdist_group("bites")
PATIENCE_S = 60
WHERE = (("wang", "李秀兰"), ("wang", "张福贵"), ("zhao", "孙德胜"))


@dataclass
class Play:
    """A short run in one process: the real app behind a real socket, three phones, a line."""

    app: Flask
    homes: list[Home]
    make: Callable[..., Handset] = Handset
    likes: dict[str, Any] = field(default_factory=dict)
    restores: list[Restore] = field(default_factory=list)

    def __enter__(self) -> Play:
        self.serve()
        self.line = Line(self.server.server_port)
        self.phones = [self.make(home, self.line.port, n, **self.likes) for n, home in enumerate(self.homes)]
        return self

    def __exit__(self, *_told: object) -> None:
        self.line.close()
        self.server.shutdown()

    def serve(self, port: int = 0) -> None:
        """Answer on a socket."""
        self.server: BaseWSGIServer = make_server("127.0.0.1", port, self.app, threaded=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def work(self, acts: int = 14, mood: Mood | None = None) -> None:
        """Each phone makes so many records, and tries to send after each."""
        self.line.mood = mood or Mood(cut=0.03)

        def one(phone: Handset) -> None:
            visit = phone.visit()
            for _ in range(acts):
                if next(visit, "over") == "over":
                    visit = phone.visit()
                    next(visit)
                phone.flush(press=True)

        self._each(one)

    def settle(self, patience_s: float = PATIENCE_S) -> None:
        """The trouble is over: everything is sent, if the phone can."""
        self.line.mood = Mood()
        until = time.monotonic() + patience_s

        def one(phone: Handset) -> None:
            while time.monotonic() < until and left([phone]):
                phone.flush(press=True)

        self._each(one)

    def found(self) -> list[Finding]:
        """What the checker says."""
        return checker.check(self.app, self.phones, self.restores)

    def _each(self, deed: Callable[[Handset], None]) -> None:
        threads = [threading.Thread(target=deed, args=(phone,)) for phone in self.phones]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.fixture
def homes(app: Flask, world: World) -> list[Home]:
    """The cast's homes with enrolled phones."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    made = []
    cookies: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    for who, name in WHERE:
        account, household = world.account(who).id, world.household(name).id
        token = card_of(world, name)[1]
        phones = [Phone(account) for _ in range(2)]
        with db.transaction() as session:
            for phone in phones:
                session.add(Device(id=phone.device, account_id=account, label="试", x=phone.public.x, y=phone.public.y, gen=1))
        other = cookies.dumps({"_user_id": "token-zhou", "_fresh": True})
        home = Home(
            account, household, world.resident(name).id, ids.new(), ids.new(), token or "", *HOME, f"session={other}", phones
        )
        made.append(home)
    db.undo()
    return made


def rules(found: Sequence[Finding]) -> set[str]:
    return {finding.rule for finding in found}


def test_the_clean_house_has_none_of_them(app: Flask, homes: list[Home]) -> None:
    with Play(app, homes, likes={"hasty": 0.5, "twins": 0.3, "photos": 0.4}) as play:
        play.work(16)
        play.work(6, Mood(instead="portal"))
        play.work(6, Mood(instead="unreadable"))
        for phone in play.phones:
            phone.sign_out()
        play.work(6, Mood(dead=True))
        play.phones[0].wipe()
        play.settle()
        assert play.found() == []


@dataclass(frozen=True)
class Bite:
    """A planted bug and the rule that names it."""

    rule: str
    server: str = ""
    phone: Callable[..., Handset] = Handset
    likes: dict[str, Any] = field(default_factory=dict)
    moods: tuple[Mood | None, ...] = (None,)
    acts: int = 14
    stuck: bool = False
    """The phones can never finish: nobody need wait for it."""
    signs_out: bool = False


BITES = {
    "delete before send": Bite("C2", phone=bugs.DeletesBeforeSending, moods=(Mood(cut=0.5),), stuck=True),
    "200 counts as sent": Bite("C9", phone=bugs.BelievesAny200, moods=(Mood(instead="portal"),), stuck=True),
    "dropped on 422": Bite("C2", phone=bugs.DropsOn422, moods=(Mood(instead="unreadable"),), stuck=True),
    "cleared on sign-out": Bite("C2", phone=bugs.ClearsAtSignOut, moods=(Mood(dead=True),), signs_out=True),
    "gives up after three tries": Bite("C2", phone=bugs.GivesUp, moods=(Mood(instead="gateway"),), stuck=True),
    "two taps share a number": Bite("C10", phone=bugs.SharesNumbers),
    "order by phone time": Bite("C6", "order_by_phone_time", likes={"hasty": 1.0}, moods=(Mood(dead=True), None)),
    "cached CSRF": Bite("C11", "cached_csrf", stuck=True),
    "missing audit row": Bite("C7", "missing_audit_row"),
    "float money": Bite("C5", "float_money", likes={"amounts": (29, 57, 58, 113, 1001)}),
    "courier taken for the author": Bite("C4", "courier_is_author"),
    "second content dropped": Bite("C4", "second_content_dropped", likes={"twins": 1.0}),
    "photo not checked": Bite("C8", "photo_unchecked", bugs.BreaksAPhoto, {"photos": 1.0}),
    "who waited is forgotten": Bite("C11", "never_released", likes={"hasty": 1.0}, moods=(Mood(dead=True), None), stuck=True),
    "new ids for what is booked": Bite("C3", "new_id_each_time"),
}  # fmt: skip


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", BITES)
def test_the_planted_bug_is_caught(app: Flask, homes: list[Home], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bite = BITES[name]
    if bite.server:
        bugs.SERVER_BUGS[bite.server](app, monkeypatch.setattr)
    with Play(app, homes, bite.phone, bite.likes) as play:
        for mood in bite.moods:
            play.work(bite.acts, mood)
        if bite.signs_out:
            for phone in play.phones:
                phone.sign_out()
        play.settle(3 if bite.stuck else PATIENCE_S)
        assert bite.rule in rules(play.found())


@pytest.mark.parametrize("template", ["postgresql"], indirect=True)
def test_check_then_insert_is_caught(app: Flask, homes: list[Home], monkeypatch: pytest.MonkeyPatch) -> None:
    bugs.check_then_insert(app, monkeypatch.setattr)
    with Play(app, homes) as play:
        play.work(20)
        play.settle(2.0)
        found = play.found()
    assert any(finding.rule == "C1" and "times" in finding.seen for finding in found), found


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("phone", "lost"), [(Handset, False), (bugs.IgnoresEpoch, True)])
def test_a_restored_server_is_told_again_by_phones_that_heed_its_epoch(
    app: Flask, homes: list[Home], tmp_path: Path, phone: Callable[..., Handset], lost: bool
) -> None:
    with Play(app, homes, phone) as play:
        play.work(8)
        play.settle()
        kept = backup.make(tmp_path / "kept")
        play.work(8)
        play.settle()
        play.restores.append(put_back(play, kept))
        play.work(3)
        play.settle()
        found = play.found()
    assert ("C1" in rules(found)) is lost and (lost or found == [])


def put_back(play: Play, copy: Path) -> Restore:
    """Another life of the database begins at the copy."""
    old, port = db.reading().scalar(sa.select(audit.Head.epoch)), play.server.server_port
    db.undo()
    play.server.shutdown()
    play.server.server_close()
    backup.put_back(copy)
    new = db.reading().scalar(sa.select(audit.Head.epoch))
    db.undo()
    play.serve(port)
    return Restore(str(old), str(new), backup.read(copy).audit_seq, 0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_answer_before_the_commit_is_caught_when_workers_are_killed() -> None:
    with stage("sqlite", homes=3, bug="answer_before_commit") as laid:
        line = Line(laid.server.port)
        phones = [Handset(home, line.port, n) for n, home in enumerate(laid.homes)]
        for _ in range(3):
            for phone in phones:
                for _act in zip(range(4), phone.visit(), strict=False):
                    phone.flush(press=True)
            laid.server.kill_worker(0)
            laid.server.kill_worker(0)
            laid.server.wait_up()
        line.close()
        found = checker.check(laid.app, phones)
    assert any(finding.rule == "C1" and "not in the database" in finding.seen for finding in found), found


def test_every_rule_is_broken_by_some_bug() -> None:
    assert {bite.rule for bite in BITES.values()} | {"C1"} == {f"C{n}" for n in range(1, 12)}
