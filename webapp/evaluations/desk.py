"""What the pages of evaluations share: their blueprint, and what a page was asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flask import Blueprint, request

from webapp.access import MASKED, Actor
from webapp.evaluations import words
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.kit.refusal import Refusal
from webapp.people import queries as people
from webapp.people.rules import mask_name
from webapp.web import guard

bp = Blueprint("evaluations", __name__)


@bp.app_template_filter("tenths")
def tenths(value: int | None) -> str:
    """953 → 95.3."""
    return words.tenths(value)


def month_asked() -> Month:
    """The month of the page, the last one where none is named."""
    try:
        return Month.parse(request.values.get("month", ""))
    except ValueError:
        return Month.of(clock.today()).previous()


def named() -> Callable[[str], str]:
    """How whoever looks reads a name: an auditor sees 王**."""
    return mask_name if guard.me().role in MASKED else str


def station_asked(who: Actor) -> uuid.UUID:
    """The station that was chosen, within reach. Refuses when none was."""
    key = ids.parse(request.values.get("station", ""))
    if key is None:
        raise Refusal("no_station", "请先选一个服务站")
    return people.place(who, key).id
