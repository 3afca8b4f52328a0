"""The page on which a district changes the rules of the month: what they are, what they would have made of last month, and from
which month they hold."""

from __future__ import annotations

import copy
import json
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from webapp.evaluations import rules, trying, words
from webapp.evaluations.desk import bp
from webapp.evaluations.forms import RulesForm, rules_form
from webapp.kit import clock
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people.desk import taken
from webapp.store import rulebook
from webapp.web import guard, page
from webapp.web.guard import allow

SETTINGS = ("on_time_min", "log_late_days", "judge_working_day", "object_days", "confirm_working_day")
SHOWN = 60


@bp.route("/evaluations/rules", methods=["GET", "POST"])
@allow("evaluations.rule")
def rule() -> ResponseReturnValue:
    """The rules: changed in the form, tried on last month, kept from a month on."""
    last, this = Month.of(clock.today()).previous(), Month.of(clock.today())
    held = rulebook.current("evaluation", this.next().last)
    form = rules_form(held)(request.form if request.method == "POST" else None, data=_told(held))
    form.since.choices = [(str(each), words.month(each)) for each in (this, this.next(), this.next().next())]
    keep, found = request.form.get("deed") == "keep", []

    def deed() -> None:
        tried = changed(held, form)
        rules.check(tried)
        if keep:
            rulebook.put("evaluation", tried, Month.parse(form.since.data or str(this)).first)
        else:
            found.append(trying.trial(last, tried, guard.me()))

    good = taken(form, deed)
    if good and keep:
        return page.go(url_for("evaluations.rule"), _("记下了，从那个月起按新的算，以前的月份不变"))
    return page.render(
        "evaluations/rules.html", status=422 if form.is_submitted() and not good else 200, form=form, held=held, words=words,
        trial=found[0] if found else None, last=last, shown=SHOWN, settings=SETTINGS, stars=rules.STARS,
    )  # fmt: skip


def _told(held: dict[str, Any]) -> dict[str, Any]:
    """What stands in the form to begin with."""
    told: dict[str, Any] = {name: held["monthly"]["settings"][name] for name in SETTINGS}
    for each in held["monthly"]["indicators"]:
        if each["kind"] == rules.COMPUTED:
            told[f"weight_{each['code']}"] = _plain(each["weight"])
            told[f"curve_{each['code']}"] = line(each)
    told |= {f"least_{band['code']}": _plain(band["min"]) for band in held["grades"]["bands"][:-1]}
    told["least_weight"] = held["monthly"]["scoring"].get("least_weight", rules.LEAST_WEIGHT)
    told["max_points"] = held["monthly"]["adjustment"]["max_points"]
    told["vetoes"] = "\n".join(f"{each['zh']} | {each['en']}" for each in held["vetoes"]["items"])
    return told


def _plain(value: Any) -> str:
    return f"{Decimal(str(value)).normalize():f}"


def line(indicator: dict[str, Any]) -> str:
    """A curve as it is typed: 80=0 90=60 100=100, in hundredths on both sides; stars stay stars."""
    across = 1 if indicator["name"] == rules.STARS else 100
    return " ".join(f"{_plain(Decimal(str(x)) * across)}={_plain(Decimal(str(y)) * 100)}" for x, y in indicator["curve"])


def changed(held: dict[str, Any], form: RulesForm) -> dict[str, Any]:
    """The rules with what was typed. Refuses what cannot be read, naming its field."""
    made: dict[str, Any] = copy.deepcopy(held)
    for each in made["monthly"]["indicators"]:
        if each["kind"] == rules.COMPUTED:
            each["weight"] = _number(form[f"weight_{each['code']}"].data, f"weight_{each['code']}")
            each["curve"] = _curve(each, form[f"curve_{each['code']}"].data or "")
    made["monthly"]["settings"] |= {name: form[name].data for name in SETTINGS}
    made["monthly"]["scoring"]["least_weight"] = form.least_weight.data
    made["monthly"]["adjustment"]["max_points"] = form.max_points.data
    above = Decimal(100)
    for band in made["grades"]["bands"]:
        name = f"least_{band['code']}"
        band["min"] = _number(form[name].data, name) if name in form else 0
        band["max"] = float(above)
        above = Decimal(str(band["min"])) - Decimal("0.1")
    known = {each["zh"]: each for each in held["vetoes"]["items"]}
    made["vetoes"]["items"] = [
        _veto(n, text, known) for n, text in enumerate((form.vetoes.data or "").splitlines()) if text.strip()
    ]
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def _number(text: str | None, field: str) -> float | int:
    try:
        found = Decimal((text or "").strip())
    except InvalidOperation as error:
        raise Refusal("number", "这里只能填数字", field=field) from error
    if not found.is_finite() or not 0 <= found <= 100:
        raise Refusal("number", "要在 0 到 100 之间", field=field)
    return int(found) if found == found.to_integral_value() else float(found)


def _curve(indicator: dict[str, Any], text: str) -> list[list[float]]:
    field, across = f"curve_{indicator['code']}", 1 if indicator["name"] == rules.STARS else 100
    made = []
    for pair in text.replace("，", " ").replace(",", " ").replace("＝", "=").split():
        x, sign, y = pair.partition("=")
        try:
            found = Decimal(x) / across, Decimal(y) / 100
        except InvalidOperation as error:
            raise Refusal("curve", "要写成“80=0 100=100”这样，一个等号一个点", field=field) from error
        if not sign or not all(each.is_finite() for each in found):
            raise Refusal("curve", "要写成“80=0 100=100”这样，一个等号一个点", field=field)
        made.append([float(each) for each in found])
    rising = [x for x, _y in made] == sorted({x for x, _y in made}) and [y for _x, y in made] == sorted(y for _x, y in made)
    if len(made) < 2 or not rising or any(not 0 <= y <= 1 for _x, y in made):
        raise Refusal("curve", "至少两个点，要一路往上，右边在 0 到 100 之间", field=field)
    return made


def _veto(n: int, text: str, known: dict[str, Any]) -> dict[str, str]:
    chinese, _bar, english = (part.strip() for part in text.partition("|"))
    code = known[chinese]["code"] if chinese in known else f"more{n + 1}"
    return {"code": code, "zh": chinese[:60], "en": (english or chinese)[:60]}
