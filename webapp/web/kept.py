"""A kept form as it stands on a page: its tag with all the phone must know, what signs it, its hidden fields.

Put together here and not in a template: a visit's page carries five, and macro by macro they were half the work of it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from flask import Flask, g, request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup, escape

from webapp.kit import clock, ids, show
from webapp.store import secrets
from webapp.web.forms import KeptForm
from webapp.web.guard import me

KINDS = {
    "FenField": "fen", "NumberField": "int", "IntegerField": "int", "YesField": "bool", "BooleanField": "bool",
    "ChoicesField": "list", "ListField": "list", "SelectMultipleField": "list",
}  # fmt: skip
"""What a kept form's script must read a field as; text where nothing is said."""
PLACE = ("lat_e6", "lon_e6", "accuracy_m", "fix_age_ms", "place_state")


def init_app(app: Flask) -> None:
    """Let the templates of `app` draw kept forms."""
    app.jinja_env.globals.update(kept_open=opening, field_kinds=KINDS)


class Blank:
    """A kept form that nobody has typed into, with `data` given. It is made only when one of its fields is drawn:
    most of a visit's page was drawn before, for somebody else."""

    errors: dict[str, Any] = {}

    def __init__(self, form: type[KeptForm], **data: Any) -> None:
        self.made_of, self.data, self.keep = form, data, form.keep

    @cached_property
    def form(self) -> KeptForm:
        """The form itself."""
        return self.made_of(data=self.data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.form, name)

    def __getitem__(self, name: str) -> Any:
        return self.form[name]


def opening(
    form: KeptForm | Blank,
    action: str,
    then: str = "stay",
    chain: object = None,
    household: object = None,
    draft: str | None = None,
    place: bool = False,
) -> Markup:
    """The form's tag and hidden fields. `then`: where the phone goes after keeping; `chain`: the visit, if the page knows it;
    `draft`: under what name the phone keeps what is half written; `place`: ask the phone where it is."""
    keep, data = form.keep, form.data
    subject = chain or (keep.chain and data.get(keep.chain)) or household or ""
    facts = {
        "action": action,
        "data-then": then,
        "data-chain": chain or (f"field:{keep.chain}" if keep.chain else None),
        "data-household": household,
        "data-draft": draft or (f"{keep.kind}:{subject}" if keep.drafts else None),
        "data-place": "" if place else None,
    }
    tag = _said(facts)
    hand = _hand()
    fixed, fields = _fixed(form.made_of if isinstance(form, Blank) else type(form), place, hand.chinese)
    values = {name: "" if (value := data.get(name)) is None else escape(str(value)) for name, _tag in fields}
    hidden = "".join(f'{drawn}{values[name]}">' for name, drawn in fields)
    return Markup(f'<form class="stack" method="post"{fixed}{tag}>{_marks(keep.kind, hand)}{hidden}')  # noqa: S704  # escaped


def marked(kind: str) -> tuple[uuid.UUID, datetime]:
    """The record's id and time that the posted page was given; of now when they are not ours: still one record."""
    key, made, seal = (request.form.get(name, "") for name in ("id", "made_at", "seal"))
    if not secrets.signed(f"{me().account_id}:{kind}:{key}:{made}", seal, "kept"):
        return ids.new(), clock.now()  # the page was made by hand or by another sign-in
    return uuid.UUID(key), clock.from_wire(made)


class Hand(NamedTuple):
    """Whose page it is, when and in what language it was made: asked once for all forms of it."""

    account: str
    made: str
    csrf: str
    chinese: bool


def _hand() -> Hand:
    if "hand" not in g:
        g.hand = Hand(str(me().account_id), clock.to_wire(clock.now()), generate_csrf(), show.chinese())
    found: Hand = g.hand
    return found


def _marks(kind: str, hand: Hand) -> str:
    """The hidden fields of the plain path: id and made_at, signed for this account and kind."""
    key = str(ids.new())
    seal = secrets.sign(f"{hand.account}:{kind}:{key}:{hand.made}", "kept")
    pairs = (("id", key), ("made_at", hand.made), ("seal", seal), ("csrf_token", hand.csrf))
    return "".join([f'<input type="hidden" name="{name}" value="{text}">' for name, text in pairs])


@cache
def _fixed(form: type[KeptForm], place: bool, _chinese: bool) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What never changes in a language: of a form's tag, and of each hidden field (name, tag up to the value)."""
    keep = form.keep
    facts = {
        "enctype": "multipart/form-data",
        "data-kept": keep.kind,
        "data-title": keep.title,
        "data-schema": keep.schema,
        "data-makes": keep.makes,
        "data-adds": " ".join(f"{summed}={said}" for said, summed in keep.adds.items()) or None,
    }
    fields = []
    for each in form():
        if getattr(each.widget, "input_type", "") == "hidden":
            kind = "place" if place and each.name in PLACE else KINDS.get(each.type)
            card = "shown" if "data-card" in (each.render_kw or {}) else None
            tag = _said({"type": "hidden", "name": each.name, "id": each.id, "data-kind": kind, "data-card": card})
            fields.append((each.name, f'<input{tag} value="'))
    return _said(facts), tuple(fields)


def _said(facts: dict[str, Any]) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in facts.items() if value is not None)
