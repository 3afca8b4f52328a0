"""One run: phones at work, the nemesis at work, then peace, then the checker. Used short by tests, long by bench.faults."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults import checker
from tests.faults.checker import Finding
from tests.faults.line import Line, Mood
from tests.faults.nemesis import Nemesis
from tests.faults.phones import Handset, left, live
from tests.faults.server import PATIENCE_S
from tests.faults.stage import Home, Stage

Make = Callable[[Home, int, int], Handset]


@dataclass
class Verdict:
    """What a run saw."""

    findings: list[Finding]
    faults: Counter[str]
    left_out: dict[str, str]
    answers: Counter[str]
    made: int
    posts: int
    stored: Counter[str] = field(default_factory=Counter)
    restores: int = 0
    wiped: int = 0
    cuts: int = 0
    photos: int = 0
    seconds: float = 0.0
    peace_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    def told(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "findings": [str(each) for each in self.findings], "submissions": self.made, "posts": self.posts,
            "faults": sum(self.faults.values()), "by_kind": dict(self.faults), "left_out": self.left_out, "cuts": self.cuts,
            "restores": self.restores, "wiped": self.wiped, "photos": self.photos, "answers": dict(self.answers),
            "seconds": round(self.seconds, 1), "peace_s": round(self.peace_s, 1), "p50_ms": round(self.p50_ms, 1),
            "p99_ms": round(self.p99_ms, 1),
        }  # fmt: skip


def run(
    stage: Stage,
    *,
    acts: int,
    seconds: float,
    faults: Callable[[Nemesis], Iterable[str]],
    seed: int = 1,
    make: Make = Handset,
    pause_s: float = 0.3,
    length: float = 1.0,
) -> Verdict:
    """Let every home's phone make its share of `acts` in `seconds` while the named faults befall all; then check.

    `length`: how long each fault lasts, as a share of the usual.
    """
    line = Line(stage.server.port, seed)
    phones = [make(home, line.port, seed * 1000 + n) for n, home in enumerate(stage.homes)]
    nemesis = Nemesis(stage, line, phones, seed, length=length)
    over, each = threading.Event(), -(-acts // len(phones))
    threads = [
        threading.Thread(target=live, args=(phone,), kwargs={"acts": each, "every_s": seconds / each, "until": over}, daemon=True)
        for phone in phones
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        nemesis.play(faults(nemesis), pause_s=pause_s, until=over)
        while time.monotonic() < began + seconds:
            time.sleep(0.05)
        ended = time.monotonic()
        peace(phones, line, each * len(phones))
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        line.close()
    peace_s = time.monotonic() - ended
    found = [Finding("C0", "nemesis", each) for each in nemesis.trouble]
    found += checker.check(stage.app, phones, nemesis.restores)
    return _verdict(found, nemesis, phones, line, time.monotonic() - began, peace_s)


STUCK_S = 60


def peace(phones: Sequence[Handset], line: Line, acts: int) -> None:
    """The trouble is over: every phone makes what it had still to make and one record more, and sends all it has."""
    line.mood = Mood()
    line.cut_all()
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and sum(len(phone.history.made) for phone in phones) < acts:
        time.sleep(0.05)
    for phone in phones:  # the first record of another day tells an idle phone of a restore
        phone.clock_off *= 0
        phone.keep("ledger.none_today", {"household": str(phone.home.household)})
    open_, until = left(phones), time.monotonic() + STUCK_S
    while time.monotonic() < until and open_:  # after a restore much is told again: blocked is what gets no further
        for phone in phones:
            phone.rest = 0.0
        time.sleep(0.1)
        before, open_ = open_, left(phones)
        if open_ < before:
            until = time.monotonic() + STUCK_S


def _verdict(
    found: list[Finding], nemesis: Nemesis, phones: Sequence[Handset], line: Line, seconds: float, peace_s: float
) -> Verdict:
    answers = sum((Counter(phone.history.answers) for phone in phones), Counter[str]())
    waits = [wait for phone in phones for wait in phone.history.waits_ms] or [0.0, 0.0]
    cuts = statistics.quantiles(waits, n=100)
    return Verdict(
        findings=found, faults=nemesis.done, left_out=nemesis.left_out, answers=answers,
        made=sum(len(phone.history.made) for phone in phones), posts=sum(phone.history.posts for phone in phones),
        restores=len(nemesis.restores), wiped=sum(len(phone.history.wiped) for phone in phones), cuts=line.cuts,
        photos=sum(len(phone.history.pictures_sent) for phone in phones), seconds=seconds, peace_s=peace_s,
        p50_ms=cuts[49], p99_ms=cuts[98],
    )  # fmt: skip
