"""What befalls phones, lines and server: faults one after the other, drawn by seed, each begun and mended again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from tests.faults.line import Line, Mood
from tests.faults.phones import Handset
from tests.faults.server import FAKETIME
from tests.faults.stage import Stage
from webapp.store import audit, backup
from webapp.store.inbox import Kept

LOCK_S, LEAST_LOCK_S = 7, 5.5
"""Writers wait five seconds."""
GROWTH_MEBI = 4


@dataclass
class Restore:
    """A restore from a copy: what the copy knew."""

    old_epoch: str
    new_epoch: str
    head: int
    """The audit head's number in the copy."""
    seq: int
    """The highest receipt number in the copy."""


@dataclass
class Nemesis:
    """Faults for one run. Each fault returns when the trouble is over; the line is fair again then."""

    stage: Stage
    line: Line
    phones: Sequence[Handset]
    seed: int = 1
    normal: Mood = field(default_factory=lambda: Mood(cut=0.03))
    """The line between faults: a little bad."""
    length: float = 1.0
    """How long trouble lasts, as a share of the usual; the lock is always longer than anybody waits."""

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.done: Counter[str] = Counter()
        self.left_out: dict[str, str] = {}
        self.restores: list[Restore] = []
        self.trouble: list[str] = []
        self.copy: Path | None = None
        self.line.mood = self.normal

    def kinds(self) -> dict[str, Callable[[], None]]:
        """Every fault that can be made here, by name; why another cannot goes to `left_out`."""
        found: dict[str, Callable[[], None]] = {
            "worker killed": self.kill_worker,
            "server killed": self.kill_server,
            "database locked": self.lock,
            "line cut at random bytes": self.cuts,
            "line slow": self.slow,
            "line dead": lambda: self._weather(Mood(dead=True), 1.5),
            "line silent": lambda: self._weather(Mood(silent=True), 1.5, sever=True),
            "portal in the way": lambda: self._weather(Mood(instead=self.draw.choice(PORTALS)), 1.0, sever=True),
            "phone clock jumps": self.phone_clock,
            "phone wiped": self.wipe,
            "app killed on phone": self.crash,
            "restored from a copy": self.restore,
        }
        if self.stage.database.kind == "postgresql":
            found["database stopped and started"] = self.stop_database
        if self.stage.small_disk:
            found["disk full, then grown"] = self.fill_disk
        else:
            self.left_out["disk full, then grown"] = "mounting a small disk is not allowed here"
        if self.stage.server.moves_clock:
            found["server clock jumps"] = self.server_clock
        elif FAKETIME is None:
            self.left_out["server clock jumps"] = "libfaketime is not installed"
        return found

    def play(self, names: Iterable[str], *, pause_s: float, until: threading.Event) -> None:
        """The named faults, one after the other."""
        kinds = self.kinds()
        for name in names:
            if until.wait(pause_s):
                return
            if name not in kinds:
                continue
            try:
                kinds[name]()
                self.done[name] += 1
            except Exception as error:
                self.trouble.append(f"{name}: {error!r}"[:600])
            if self.stage.server.ended:
                self.trouble.append(f"after {name} the server was gone by itself")
                self.stage.server.start()

    def weather(self) -> list[str]:
        """One of each that can be made here, shuffled."""
        kinds = list(self.kinds())
        self.draw.shuffle(kinds)
        return kinds

    def seasons(self, seconds: float, most: int) -> Iterator[str]:
        """Faults for so long, and on until `most` were made; one of each first, quick ones more often than slow ones."""
        yield from self.weather()
        until, kinds = time.monotonic() + seconds, list(self.kinds())
        weights = [QUICK_ONES.get(name, 1) for name in kinds]
        while time.monotonic() < until or sum(self.done.values()) < most:
            yield self.draw.choices(kinds, weights)[0]
        if self.copy:
            yield "restored from a copy"

    # -- the server --

    def kill_worker(self) -> None:
        """SIGKILL one worker under load."""
        self.stage.server.kill_worker(self.draw.randrange(8))

    def kill_server(self) -> None:
        """SIGKILL everything, and start it again."""
        self.stage.server.kill_all()
        self.stage.server.start()

    def server_clock(self) -> None:
        """The server's clock jumps, minutes to a month, and is put right."""
        self.stage.server.move_clock(self.draw.choice((-400, -30, -1, 1, 30)))
        self._last(1.5)
        self.stage.server.move_clock(0)

    # -- the database --

    def stop_database(self) -> None:
        """Stopped without a word, started after a moment."""
        self.stage.database.stop()
        time.sleep(self.draw.random())
        self.stage.database.start()

    def lock(self) -> None:
        """Somebody else holds it, longer than anybody waits."""
        with self.stage.database.locked():
            time.sleep(max(LEAST_LOCK_S, LOCK_S * self.length))

    def fill_disk(self) -> None:
        """No byte left for a while; then the disk is grown."""
        filler = self.stage.folder / "data" / "filler"
        _fill(filler)
        self._last(2.0)
        self.stage.grow(GROWTH_MEBI)
        self._last(1.0)
        filler.unlink()

    def restore(self) -> None:
        """Begin: a copy is taken. The next time: the server dies, the copy takes its place, with a new epoch."""
        if self.copy is None:
            self.copy = self.stage.back_up()
            return
        self.stage.server.kill_all()
        old = self._facts()[1]
        self.stage.restore(self.copy)
        seq, new = self._facts()
        self.restores.append(Restore(old, new, backup.read(self.copy).audit_seq, seq))
        self.copy = None
        self.stage.server.start()

    def _facts(self) -> tuple[int, str]:
        """Highest receipt number, epoch."""
        with self.stage.app.app_context(), self.stage.app.extensions["db"].engine.connect() as connection:
            epoch = connection.scalar(sa.select(audit.Head.epoch))
            seq = connection.scalar(sa.select(sa.func.max(Kept.seq))) or 0
        self.stage.let_go()
        return seq, str(epoch)

    # -- the line --

    def cuts(self) -> None:
        """Every third connection ends in the middle of something; all that are open end now."""
        self._weather(Mood(cut=0.4), 2.0, sever=True)

    def slow(self) -> None:
        """A village line: 150 ms each way, 32 kB/s."""
        self._weather(Mood(cut=0.05, delay_s=0.15, rate=32_000), 2.5, sever=True)

    def _weather(self, mood: Mood, seconds: float, *, sever: bool = False) -> None:
        self.line.mood = mood
        if sever:
            self.line.cut_all()
        self._last(seconds)
        self.line.mood = self.normal
        self.line.cut_all()

    def _last(self, seconds: float) -> None:
        """The trouble goes on for so long."""
        time.sleep(seconds * self.length)

    # -- the phones --

    def phone_clock(self) -> None:
        """Some clocks are set wrong, 400 days behind to 30 days ahead; some are put right."""
        for phone in self.draw.sample(list(self.phones), max(1, len(self.phones) // 4)):
            days = self.draw.choice((0, 0, -400, 30, self.draw.randint(-400, 30)))
            phone.clock_off = timedelta(days=days, minutes=self.draw.randint(-30, 30) if days else 0)

    def wipe(self) -> None:
        """A phone is lost with what was on it.

        Not between a copy, the restore and the offering again: what it alone still holds would be lost with it, and no
        program can mend that.
        """
        epoch = self.restores[-1].new_epoch if self.restores else None
        able = [phone for phone in self.phones if phone.gen < len(phone.home.devices) and epoch in (None, phone.epoch)]
        able = [phone for phone in able if phone.at_rest]
        if able and self.copy is None:
            self.line.mood = Mood(dead=True)
            self.line.cut_all()
            phone, until = self.draw.choice(able), time.monotonic() + 5
            while not phone.unsent and time.monotonic() < until:
                time.sleep(0.05)  # a phone that has sent everything would lose nothing
            phone.wipe()
            self.line.mood = self.normal

    def crash(self) -> None:
        """The app is killed on some phones, and people sign out on others."""
        for phone in self.draw.sample(list(self.phones), max(1, len(self.phones) // 3)):
            phone.crash()
            phone.sign_out()


QUICK_ONES = {
    "worker killed": 4,
    "line cut at random bytes": 3,
    "app killed on phone": 3,
    "phone clock jumps": 2,
    "portal in the way": 2,
}
PORTALS = ("portal", "redirect", "stranger403", "gateway", "stale")


def _fill(path: Path) -> None:
    """Write until there is no room left, to the last block."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
