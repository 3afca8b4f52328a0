"""Pages of deliveries: what waits for a person, one record, a number looked up, a rescue file, stopped phones."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from webapp.access import Actor
from webapp.deliveries import forms, queries, rescue, words
from webapp.deliveries.queries import Cursor, Found, Record, Second
from webapp.kit import clock, ids
from webapp.kit.refusal import Missing
from webapp.kit.words import _, _l
from webapp.people import queries as people
from webapp.store import arrivals, db, rulings
from webapp.store.arrivals import APPLIED, Kept
from webapp.store.rulings import BOTH
from webapp.web import page
from webapp.web.guard import allow, csrf, may, me

bp = Blueprint("deliveries", __name__)
PAGE = 30
BIGGEST = 2**53 - 1
CHOICES = dict(forms.WHY_NOT) | {rulings.FIRST: _l("只算先到的"), BOTH: _l("两份都算")}
BECAME = {"ledger.spend": "ledger.entry", "ledger.receive": "ledger.entry"}
"""Kinds whose act is a thing with a page of its own, known here by name: rooms further down the street keep it."""
bp.add_app_template_global(words.title_of, "kind_title")


# ---- lists ----


@bp.get("/deliveries")
@allow("deliveries.see")
def index() -> ResponseReturnValue:
    """What waits for a person; with `number` straight to that record; with `name` or `person` only hers."""
    who, number, name = me(), _digits(request.args.get("number")), request.args.get("name", "").strip()[:60]
    if number is not None and (here := _number(who, number)) is not None:
        return here
    people_called = queries.called(who, name) if name else ()
    if len(people_called) == 1:
        return page.go(url_for("deliveries.index", person=people_called[0].id, all=1))
    person = _person(who)
    every = person is not None and request.args.get("all") == "1"
    cursor, key = _cursor(request.args.get("before")), person.id if person else None
    found = queries.records_of(who, key, PAGE + 1, cursor) if every and key else queries.put_aside(who, PAGE + 1, cursor, key)
    return page.render(
        "deliveries/index.html",
        piece="list",
        records=found[:PAGE],
        more=_after(found[PAGE - 1]) if len(found) > PAGE else None,
        person=person,
        every=every,
        number=request.args.get("number", "").strip()[:20],
        name=name,
        people_called=people_called,
        owing=queries.owing(who, PAGE) if may("deliveries.settle") and not (person or cursor) else (),
    )


def _number(who: Actor, number: int) -> ResponseReturnValue | None:
    """The way to the record of a receipt number, if it is within reach."""
    try:
        return page.go(url_for("deliveries.show", seq=queries.record(who, number).kept.seq))
    except Missing:
        return None


def _digits(text: str | None) -> int | None:
    """A receipt number as it was typed: 收条号 １２３ is 123."""
    found = "".join(c for c in unicodedata.normalize("NFKC", text or "") if c.isascii() and c.isdigit())[:15]
    return int(found) if found else None


def _person(who: Actor) -> Any:
    key = ids.parse(request.args.get("person"))
    return people.person(who, key) if key else None


def _cursor(text: str | None) -> Cursor | None:
    at, _dot, seq = (text or "").partition("_")
    try:
        return clock.from_wire(at), min(int(seq), BIGGEST)
    except ValueError:
        return None


def _after(record: Record) -> str:
    return f"{clock.to_wire(record.received_at)}_{record.seq}"


# ---- one record ----


@bp.get(f"/deliveries/<int(max={BIGGEST}):seq>")
@allow("deliveries.see")
def show(seq: int) -> ResponseReturnValue:
    """One record in plain words: what was written, why it waits, what was decided; and what can be done."""
    return _shown(queries.record(me(), seq))


def _shown(found: Found, form: forms.DismissForm | None = None) -> ResponseReturnValue:
    who, kept = me(), found.kept
    envelope = arrivals.opened(kept)
    others = [(each, arrivals.opened(each.row)) for each in queries.seconds(kept)]
    names, home = _names(who, kept, [told for told in (envelope, *(other for _each, other in others)) if told])
    first = words.told(envelope, names) if envelope else None
    seconds = [(each, _beside(kept, first, each, other, names)) for each, other in others if other]
    mine = kept.author_id == who.account_id
    return page.render(
        "deliveries/show.html",
        status=422 if form else 200,
        record=found,
        kept=kept,
        told=first,
        came=queries.came(photo for told in (envelope, *(o for _e, o in others)) if told for photo in _photos(told)),
        why=words.why(kept),
        home=home,
        became=_became(kept),
        seconds=seconds,
        choices=CHOICES,
        mine=mine,
        may_settle=may("deliveries.settle") and not mine,
        open=not kept.final,
        form=form or forms.DismissForm(),
    )


def _names(who: Actor, kept: Kept, envelopes: list[dict[str, Any]]) -> tuple[Any, tuple[uuid.UUID, str] | None]:
    """What the named households and residents are called; and the record's own household, if it is within reach."""
    wanted = [key for envelope in envelopes for key in words.named(envelope)]
    home = ids.parse(envelopes[0]["body"].get("household")) if envelopes else None
    home = home or queries.household_before(kept)
    found = queries.names(who, [*wanted, *([home] if home else [])])
    return found, (home, found[home]) if home and home in found else None


def _beside(kept: Kept, first: Any, second: Second, envelope: dict[str, Any], names: Any) -> dict[str, Any]:
    told = words.told(envelope, names)
    times = tuple(_exact(at) for at in (kept.made_at, clock.from_wire(envelope["made_at"])))
    pairs = words.side_by_side(first, told, (times[0], times[1])) if first else []
    return {"told": told, "pairs": pairs, "open": second.row.settled_at is None, "hash": second.row.hash.hex()}


def _exact(at: Any) -> str:
    here = clock.local(at)
    return f"{here:%Y-%m-%d %H:%M:%S}"


def _photos(envelope: dict[str, Any]) -> list[str]:
    return [str(photo["sha256"]) for photo in envelope["photos"]]


def _became(kept: Kept) -> tuple[str, object] | None:
    """The page of what a booked record became, if a room further down the street has one."""
    if kept.state != APPLIED:
        return None
    known, endpoint = current_app.view_functions, BECAME.get(kept.kind, "")
    if endpoint in known:
        return url_for(endpoint, entry_id=kept.id), _("看这一笔")
    if kept.chain and "visits.show" in known:
        return url_for("visits.show", visit_id=kept.chain), _("看这次上门")
    return None


@bp.get(f"/deliveries/<int(max={BIGGEST}):seq>/photos/<sha256>")
@allow("deliveries.see")
def photo(seq: int, sha256: str) -> ResponseReturnValue:
    """A picture of a record within reach, of either content."""
    kept = queries.record(me(), seq).kept
    told = [arrivals.opened(kept), *(arrivals.opened(each.row) for each in queries.seconds(kept))]
    known = {digest for envelope in told if envelope for digest in _photos(envelope)}
    return page.photo(sha256 if sha256 in known else None, keep="no-store")


# ---- deeds ----


@bp.post(f"/deliveries/<int(max={BIGGEST}):seq>/again")
@allow("deliveries.settle")
def again(seq: int) -> ResponseReturnValue:
    """Judge the record once more; what came of it is told."""
    kept = queries.record(me(), seq).kept
    return _done(seq, lambda: rulings.judge_again(kept, me().account_id), lambda: _came_of(seq))


def _came_of(seq: int) -> str:
    kept = queries.record(me(), seq).kept
    return _("记上了") if kept.state == APPLIED else _("还是没记上：%(why)s", why=words.why(kept))


@bp.post(f"/deliveries/<int(max={BIGGEST}):seq>/dismiss")
@allow("deliveries.settle")
def dismiss(seq: int) -> ResponseReturnValue:
    """The record need not be booked, for one reason."""
    found, form = queries.record(me(), seq), forms.DismissForm()
    if not form.validate():
        return _shown(found, form)
    choice, said = form.choice.data, form.words.data or ""
    return _done(seq, lambda: rulings.dismiss(found.kept, choice, said, me().account_id), lambda: _("好，这条不用记了"))


@bp.post(f"/deliveries/<int(max={BIGGEST}):seq>/choose")
@allow("deliveries.settle")
def choose(seq: int) -> ResponseReturnValue:
    """Of two contents: only the first counts, or both."""
    found, form = queries.record(me(), seq), forms.ChooseForm()
    if not form.validate() or len(form.hash.data) != 64 or not set(form.hash.data) <= set("0123456789abcdef"):
        return page.go(url_for("deliveries.show", seq=seq), _("请选一个"))
    made: list[Kept | None] = []
    hashed, choice, said = bytes.fromhex(form.hash.data), form.choice.data, form.words.data or ""

    def decide() -> None:
        made.append(rulings.choose(found.kept, hashed, choice, said, me().account_id))

    return _done(seq, decide, lambda: _counted(made[0]))


def _counted(second: Kept | None) -> str:
    if second is None:
        return _("好，只算先到的那份")
    if second.state == APPLIED:
        return _("两份都记上了，第二份的收条号是 %(seq)s", seq=second.seq)
    return _("第二份还没记上，收条号 %(seq)s：%(why)s", seq=second.seq, why=words.why(second))


def _done(seq: int, deed: Callable[[], None], say: Callable[[], str]) -> ResponseReturnValue:
    """Do it and tell what came of it; a COMMIT that the data refuses changes nothing."""
    there = url_for("deliveries.show", seq=seq)
    try:
        deed()
        db.settle()
    except sa.exc.IntegrityError:
        db.undo()
        return page.go(there, _("还是没记上：和已经记上的对不上。请本人补记一条"))
    return page.go(there, say())


# ---- a rescue file ----


@csrf.exempt  # type: ignore[untyped-decorator]
@bp.route("/deliveries/rescue", methods=["GET", "POST"])
@allow("deliveries.settle")
def take_in() -> ResponseReturnValue:
    """Take in the file that a phone wrote when nothing else would do. Its size must be allowed before the form is read."""
    if request.method == "GET":
        return page.render("deliveries/rescue.html", taken=None, say=None)
    request.max_content_length = rescue.FILE + 64 * 1024
    try:
        upload = request.files.get("file")
    except RequestEntityTooLarge:
        return _not_taken(_("文件太大了，一次最多 64 MB"), 413)
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    if upload is None or not upload.filename:
        return _not_taken(_("请先选手机存下来的那个文件"), 422)
    who = me()
    taken = rescue.take_in(upload.stream, who.account_id)
    if taken.broken and not taken.lines and not taken.photos:
        return _not_taken(_("这不是手机存下来的文件，或者文件不全。请在手机上再存一次"), 422)
    names = queries.authors(who, [line.author for line in taken.lines if line.author])
    return page.render("deliveries/rescue.html", taken=taken, names=names, say=None)


def _not_taken(say: str, status: int) -> ResponseReturnValue:
    return page.render("deliveries/rescue.html", status=status, taken=None, say=say)


# ---- stopped phones ----


@bp.post("/deliveries/phones/<uuid:device_id>/waive")
@allow("deliveries.settle")
def waive(device_id: uuid.UUID) -> ResponseReturnValue:
    """Nobody waits any longer for what is on a stopped phone."""
    queries.phone(me(), device_id).waive()
    return page.go(url_for("deliveries.index"), _("好，不再等这部手机了"))
