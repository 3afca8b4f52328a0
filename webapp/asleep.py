"""Modules that are read when first used: photos, printing, clerks' sheets, migrations. A web worker rarely needs them, and they
are half of its memory and of its start.

Imported before the rest. Whoever uses one of them writes the import as always, of the module (not of names in it).
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

ASLEEP = (
    "PIL.Image",
    "PIL.ImageDraw",
    "PIL.ImageFont",
    "PIL.ImageOps",
    "brotli",
    "minify",
    "openpyxl",
    "psycopg",
    "py_vapid",
    "pypinyin",
    "qrcode",
    "webapp.cards.drawing.letters",
    "webapp.cards.printing",
    "webapp.clockwork",
    "webapp.evaluations.filling",
    "webapp.evaluations.printing",
    "webapp.inspections.printing",
    "webapp.ledger.exporting",
    "webapp.ledger.printing",
    "webapp.outings.printing",
    "webapp.people.sheets.marking",
    "webapp.people.sheets.opening",
    "webapp.reviews.printing",
    "webapp.roster.daysheets",
    "webapp.roster.fridge",
    "webapp.selfscores.printing",
    "webapp.store.cursors",
    "webapp.store.migrate",
    "webapp.training.printing",
    "webapp.web.tls",
)
_turn = threading.RLock()


class Sleeper(ModuleType):
    """A module that has not run yet. The first thing asked of it runs it; other threads wait until it has run to its end."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__"):
            _wake(self)
        return ModuleType.__getattribute__(self, name)  # awake it is a Sleeper no more

    def __getattr__(self, name: str) -> Any:
        _wake(self)
        return ModuleType.__getattribute__(self, name)


def _wake(module: ModuleType) -> None:
    with _turn:
        kept = module.__dict__
        if type(module) is Sleeper and not kept.get("__waking__"):
            kept["__waking__"] = True
            try:
                kept["__spec__"].loader.exec_module(module)
                module.__class__ = ModuleType  # type: ignore[assignment]
            finally:
                del kept["__waking__"]


def put_to_sleep(*names: str) -> None:
    """Let these modules wait; those already imported stay awake."""
    for name in names:
        if name not in sys.modules and (spec := importlib.util.find_spec(name)) is not None:
            module = importlib.util.module_from_spec(spec)
            module.__class__ = Sleeper
            sys.modules[name] = module


put_to_sleep(*ASLEEP)
