"""Any history adds up: a few hundred here, ten thousand in bench."""

from __future__ import annotations

import random

import pytest

from tests.ledger.histories import History

EACH = 15


@pytest.mark.parametrize("batch", range(4))
def test_any_history_of_two_writers_adds_up_and_leaves_closed_months_alone(app, world, batch):
    for seed in range(batch * EACH, (batch + 1) * EACH):
        history = History(world, random.Random(seed))
        with history.tried():
            history.live(16)
