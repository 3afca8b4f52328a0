"""A module that waits to be used is seen whole or not at all, however many threads use it at once."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from webapp import asleep


@pytest.fixture
def sleeping(tmp_path, monkeypatch):
    """A module `drowsy` of these lines, put to sleep."""

    def make(lines):
        (tmp_path / "drowsy.py").write_text(lines)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "drowsy", raising=False)
        asleep.put_to_sleep("drowsy")
        monkeypatch.setitem(sys.modules, "drowsy", module := sys.modules["drowsy"])
        return module

    return make


def test_it_runs_once_when_first_asked(sleeping):
    module = sleeping("import sys\nsys.woken = getattr(sys, 'woken', 0) + 1\nvalue = 7\n")
    assert not hasattr(sys, "woken")
    try:
        assert (module.value, module.value, sys.woken) == (7, 7, 1)
        with pytest.raises(AttributeError):
            _ = module.nothing
    finally:
        del sys.woken


SLOW = """
def answer():
    return last
asked.set()
may.wait(10)
last = 2
"""
"""What it answers with is laid after what answers."""


def test_others_wait_until_it_has_run_to_its_end(sleeping):
    module, asked, may = sleeping(SLOW), threading.Event(), threading.Event()
    module.__dict__.update(asked=asked, may=may)
    with ThreadPoolExecutor(2) as pool:
        wakes = pool.submit(lambda: module.answer())
        assert asked.wait(10)
        looks = pool.submit(lambda: module.answer())
        assert not wait([looks], timeout=0.3).done
        may.set()
        assert (wakes.result(10), looks.result(10)) == (2, 2)
