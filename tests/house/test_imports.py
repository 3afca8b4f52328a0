"""Data runs down the street, imports run up; inside a room, each thing asks only those below it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STREET = (
    "people",
    "deliveries",
    "messages",
    "months",
    "cards",
    "roster",
    "visits",
    "outings",
    "welfare",
    "logs",
    "ledger",
    "health",
    "requests",
    "voices",
    "training",
    "inspections",
    "endings",
    "evaluations",
    "reviews",
    "selfscores",
    "applications",
    "family",
    "today",
    "sample",
)
GROUND = ("kit", "store", "web")
TOP = {"webapp", "webapp.cli", "webapp.clockwork", "webapp.calculators"}
LONGEST = 600

STEPS = {"models": 1, "rules": 0, "queries": 2, "forms": 2, "views": 3}
"""Who may ask whom inside a feature: only rooms of a lower step; rules ask nobody but kit and what is as pure as they are."""

BEHIND = {
    "flask_login": ("web.guard", "people.login"),  # who asks; whose row it is
    "flask_htmx": ("web.guard",),
    "flask_babel": ("kit.words", "kit.show", "web.language", "web.templates"),  # words, their locale, the choice
    "babel": ("kit.show", "web.language"),
    "minify": ("web.assets",),
    "flask_wtf": ("web.guard", "web.errors", "web.forms", "web.kept"),  # the lock, its refusal, the form, its key
    "argon2": ("people.accounts",),
    "py_vapid": ("messages.pushing",),
    "qrcode": ("cards.drawing", "people.latch", "web.tls"),  # cards, invitations, the poster of `phone`
    "fpdf": (
        "cards.drawing",
        "roster.fridge",
        "roster.daysheets",
        "outings.printing",
        "cards.printing",
        "ledger.printing",
        "evaluations.printing",
        "reviews.printing",
        "selfscores.printing",
        "inspections.printing",
        "training.printing",
    ),
    "pylopdf_fonts_zh_cn": (
        "cards.drawing",
        "roster.fridge",
        "roster.daysheets",
        "outings.printing",
        "cards.printing",
        "ledger.printing",
        "evaluations.printing",
        "reviews.printing",
        "selfscores.printing",
        "inspections.printing",
        "training.printing",
    ),
    "openpyxl": ("people.sheets", "visits.exporting", "evaluations.filling"),
    "xlsxwriter": ("kit.sheets", "people.sheets", "ledger.exporting", "evaluations.printing", "evaluations.filling"),
    "pypinyin": ("people.rules",),
    "stdnum": ("cards.number", "people.sheets.cells", "people.rules"),  # the card's check digit; the national number
    "huey": ("clockwork",),
    "psycopg": ("store.cursors", "web.live"),
    "PIL": (
        "store.files",
        "cards.drawing",
        "roster.fridge",
        "roster.daysheets",
        "outings.printing",
        "sample.morning",
    ),  # photos in; cards and fridge sheets out; made-up receipts
    "cryptography": ("store.inbox", "store.arrivals", "store.secrets", "web.tls", "people.entry", "messages.pushing"),
    "alembic": ("store.migrate",),
    "brotli": ("web.assets",),
    "tqdm": ("sample", "visits.commands"),
    "structlog": ("",),  # a log line may be written anywhere
}
"""Each outside library and the rooms it may enter."""


@dataclass(frozen=True)
class Import:
    """One import: who asks whom, on which line, and whether only types are asked for or it hides in a function."""

    asker: str
    asked: str
    line: int
    typing: bool
    hidden: bool


def modules(root: Path) -> dict[str, Path]:
    """Every module under `root`/webapp: dotted name → file."""
    found = {}
    for path in sorted((root / "webapp").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, source: str, known: set[str]) -> Iterator[Import]:
    """What module `name` imports; names of modules are spelled out."""

    def walk(node: ast.AST, typing: bool, hidden: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inside = hidden or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            checking = typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            if isinstance(child, ast.Import):
                yield from (Import(name, each.name, child.lineno, typing, hidden) for each in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{name}:{child.lineno} imports by dots"
                for each in child.names:
                    whole = f"{child.module}.{each.name}"
                    yield Import(name, whole if whole in known else str(child.module), child.lineno, typing, hidden)
            yield from walk(child, checking, inside)

    yield from walk(ast.parse(source), False, False)


def read(root: Path = ROOT) -> list[Import]:
    """All imports of the product."""
    found = modules(root)
    return [each for name, path in found.items() for each in imports(name, path.read_text(encoding="utf-8"), set(found))]


ALL = read()
PATHS = modules(ROOT)
INSIDE = [each for each in ALL if each.asked.split(".")[0] == "webapp"]


def room(name: str) -> str:
    """The house a module stands in: people, kit, access, or "" for the top."""
    return name.split(".")[1] if "." in name else ""


def told(wrong: list[Import]) -> list[str]:
    return [f"{each.asker}:{each.line} asks {each.asked}" for each in wrong]


def height(name: str) -> int:
    """The floor of a module: whoever stands higher may ask those below."""
    if name in TOP:
        return 100  # they put the house together; nobody inside asks them
    house = room(name)
    return {"kit": 0, "access": 1, "store": 2, "web": 3}.get(house) or (10 + STREET.index(house) if house in STREET else 0)


def out_of_order(each: Import) -> bool:
    """Whether an import runs down the street, or up from a ground floor."""
    if (
        each.asker in TOP
        or room(each.asker) == room(each.asked)
        or (each.typing and room(each.asker) == "store" and each.asked == "webapp.access")
    ):
        return False
    return height(each.asker) <= height(each.asked)


def test_imports_run_up_the_street() -> None:
    assert told([each for each in INSIDE if out_of_order(each)]) == []


def test_a_planted_import_down_the_street_is_found() -> None:
    known = {"webapp.visits.models", "webapp.people.models", "webapp.web.page", "webapp.store.db", "webapp.kit.clock"}
    planted = {
        "webapp.people.models": "from webapp.visits.models import Visit",
        "webapp.store.db": "from webapp.web import page",
        "webapp.kit.clock": "from webapp.store import db",
        "webapp.web.page": "import webapp.people.models",
    }
    for name, source in planted.items():
        assert [out_of_order(each) for each in imports(name, source, known)] == [True], name
    assert not any(out_of_order(each) for each in imports("webapp.visits.models", "from webapp.people import models", known))


def test_every_house_has_a_place_on_the_street() -> None:
    houses = {path.name for path in (ROOT / "webapp").iterdir() if (path / "__init__.py").exists()}
    assert houses == {*STREET, *GROUND}


WEB = {"flask", "sqlalchemy", "werkzeug", "flask_babel"}


def pure(name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a module could be worked out on paper: neither web nor database, and nobody it asks either."""
    if room(name) == "kit" or name == "webapp.access":
        return True
    mine = [each for each in ALL if each.asker == name]
    if any(each.asked.split(".")[0] in WEB for each in mine):
        return False
    return all(pure(each.asked, seen | {name}) for each in mine if each.asked in PATHS and each.asked not in seen)


def inner(each: Import) -> bool:
    """Whether, inside one feature, somebody asks a room above or beside its own step."""
    if room(each.asker) != room(each.asked) or room(each.asker) not in STREET or each.asker == each.asked:
        return False
    asker, asked = each.asker.rsplit(".", 1)[-1], each.asked.rsplit(".", 1)[-1]
    if asker == "rules":
        return not pure(each.asked)
    if asker not in STEPS or asked not in STEPS:
        return False
    return STEPS[asked] >= STEPS[asker] or (asker == "forms" and asked == "queries")


def test_inside_a_room_views_ask_queries_ask_models_ask_rules() -> None:
    assert told([each for each in INSIDE if inner(each)]) == []


def test_a_planted_step_up_is_found() -> None:
    known = {f"webapp.visits.{name}" for name in STEPS}
    for asker, asked in (("models", "queries"), ("rules", "models"), ("queries", "views"), ("forms", "views")):
        planted = imports(f"webapp.visits.{asker}", f"from webapp.visits import {asked}", known)
        assert [inner(each) for each in planted] == [True], (asker, asked)


def test_rules_could_be_worked_out_on_paper() -> None:
    assert [name for name in PATHS if name.endswith(".rules") and not pure(name)] == []
    assert not pure("webapp.people.models") and not pure("webapp.web.page")


def test_no_import_hides_in_a_function() -> None:
    assert told([each for each in ALL if each.hidden]) == []


def circles(pairs: set[tuple[str, str]]) -> list[str]:
    """Modules that reach themselves."""
    asked: dict[str, set[str]] = {}
    for asker, other in pairs:
        asked.setdefault(asker, set()).add(other)
    reach = {name: set(others) for name, others in asked.items()}
    changed = True
    while changed:
        changed = False
        for others in reach.values():
            more = set().union(*(reach.get(other, set()) for other in others)) - others
            changed = changed or bool(more)
            others |= more
    return sorted(name for name, others in reach.items() if name in others)


def test_there_is_no_circle() -> None:
    assert circles({(each.asker, each.asked) for each in INSIDE if not each.typing and each.asker != each.asked}) == []


def test_a_planted_circle_is_found() -> None:
    assert circles({("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")}) == ["a", "b", "c"]


def test_no_two_houses_ask_each_other() -> None:
    pairs = {(room(each.asker), room(each.asked)) for each in INSIDE if not each.typing} - {("", "")}
    assert {(a, b) for a, b in pairs if a < b and (b, a) in pairs and a} == set()


def only_words(source: str) -> bool:
    """Whether a module is a docstring and nothing else."""
    body = ast.parse(source).body
    return len(body) == 1 and ast.get_docstring(ast.parse(source)) is not None


def test_a_door_plate_is_words_and_nothing_else() -> None:
    plates = [path for path in (ROOT / "webapp").rglob("__init__.py") if path.parent.name != "webapp"]
    assert [str(path.relative_to(ROOT)) for path in plates if not only_words(path.read_text(encoding="utf-8"))] == []


def test_a_door_plate_that_imports_is_found() -> None:
    assert only_words('"""Words."""') and not only_words('"""Words."""\nimport os') and not only_words("")


def inside(name: str, rooms: tuple[str, ...]) -> bool:
    """Whether a module is one of `rooms` or stands in one."""
    return any(not each or f"{name}.".startswith(f"webapp.{each}.") for each in rooms)


@pytest.mark.parametrize("library", BEHIND)
def test_an_outside_library_stays_in_its_room(library: str) -> None:
    asking = [each for each in ALL if each.asked.split(".")[0] == library and not each.typing]
    assert told([each for each in asking if not inside(each.asker, BEHIND[library])]) == []


LOOSE = {"_typeshed", "flask", "sqlalchemy", "werkzeug", "wtforms", "markupsafe", "jinja2", "click", "webapp"}
"""What the house is built of, and may be met anywhere above kit (rules excepted)."""


def test_no_library_comes_in_without_a_room() -> None:
    import_names = {each.asked.split(".")[0] for each in ALL}
    own = {name for name in import_names if name in _standard()}
    assert import_names - own - LOOSE - set(BEHIND) == set(), "say in BEHIND which rooms it may enter"


def _standard() -> frozenset[str]:
    return sys.stdlib_module_names


def test_kit_knows_only_python_and_words() -> None:
    wrong = [
        each for each in ALL if room(each.asker) == "kit" and each.asked.split(".")[0] in ("flask", "sqlalchemy", "werkzeug")
    ]
    assert told(wrong) == []


def test_no_file_is_too_long_to_be_read_at_a_sitting() -> None:
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules(ROOT).items()}
    assert {name: n for name, n in lines.items() if n > LONGEST} == {}


VAGUE = {"utils", "util", "helpers", "helper", "manager", "service", "services", "data", "process", "common", "misc", "base"}


def test_no_room_has_a_name_that_says_nothing() -> None:
    assert {name for name in modules(ROOT) if set(name.split(".")) & VAGUE} == set()
