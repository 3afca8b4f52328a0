"""The short form: everything that can befall phones, line, server and database, within a minute, and nothing is lost."""

from __future__ import annotations

import json

import pytest

from tests.conftest import KINDS
from tests.faults.nemesis import Nemesis
from tests.faults.run import run
from tests.faults.stage import stage

pytestmark = pytest.mark.xdist_group("faults")
HOMES, ACTS, SECONDS, DISK_MEBI = 8, 500, 30, 48


def everything(nemesis: Nemesis) -> list[str]:
    """Every fault once, the restore around what was recorded meanwhile, a wiped phone before and after it."""
    between = [name for name in nemesis.weather() if name not in ("restored from a copy", "phone wiped")]
    half = len(between) // 2
    return ["phone wiped", *between[:half], "restored from a copy", *between[half:], "restored from a copy", "phone wiped"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_doubled_or_blocked_whatever_befalls(kind: str) -> None:
    with stage(kind, homes=HOMES, disk_mebi=DISK_MEBI, moves_clock=True) as laid:
        verdict = run(laid, acts=ACTS, seconds=SECONDS, faults=everything)
    told = verdict.told()
    print(json.dumps(told, ensure_ascii=False))
    assert not verdict.findings, json.dumps(told, ensure_ascii=False, indent=1)
    assert told["submissions"] >= ACTS and told["faults"] >= 12 and told["restores"] == 1
