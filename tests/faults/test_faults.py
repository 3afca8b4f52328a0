"""The short form: everything that can befall phones, line, server and database, within a minute, and nothing is lost.

Both databases are played at once: most of the time is spent waiting for servers to start and for trouble to pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.conftest import KINDS
from tests.faults.nemesis import Nemesis
from tests.faults.run import Verdict, run
from tests.faults.stage import stage

pytestmark = pytest.mark.xdist_group("faults")
HOMES, ACTS, SECONDS, DISK_MEBI = 5, 160, 12, 48


def everything(nemesis: Nemesis) -> list[str]:
    """Every fault once, the restore around what was recorded meanwhile, a wiped phone before and after it."""
    between = [name for name in nemesis.weather() if name not in ("restored from a copy", "phone wiped")]
    half = len(between) // 2
    return ["phone wiped", *between[:half], "restored from a copy", *between[half:], "restored from a copy", "phone wiped"]


def play(kind: str) -> Verdict:
    """One database's war."""
    with stage(kind, homes=HOMES, disk_mebi=DISK_MEBI, moves_clock=True) as laid:
        return run(laid, acts=ACTS, seconds=SECONDS, faults=everything, pause_s=0.15, length=0.6)


@pytest.fixture(scope="module")
def verdicts() -> Iterator[dict[str, Future[Verdict]]]:
    """Of each database, as soon as its war is over."""
    with ThreadPoolExecutor(len(KINDS)) as wars:
        yield {kind: wars.submit(play, kind) for kind in KINDS}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_doubled_or_blocked_whatever_befalls(kind: str, verdicts: dict[str, Future[Verdict]]) -> None:
    verdict = verdicts[kind].result()
    told = verdict.told()
    print(json.dumps(told, ensure_ascii=False))
    assert not verdict.findings, json.dumps(told, ensure_ascii=False, indent=1)
    assert told["submissions"] >= ACTS and told["restores"] == 1
    assert len(told["by_kind"]) + len(told["left_out"]) == (15 if kind == "postgresql" else 14)
