"""Ways in: signing in, choosing a grant, passwords from above, invitations, my page, outbox."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, after_this_request, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import GRANTS, ROLE_WORDS, VERB_WORDS, Role
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import latch, login, phones, queries, rules
from webapp.people.entry import ResetForm, SignInForm
from webapp.people.latch import bp
from webapp.people.models import Account, Grant, Person, Slip, open_account
from webapp.people.models import grant as give_grant
from webapp.store import audit, db, inbox
from webapp.web import limits, page
from webapp.web.forms import PlainForm
from webapp.web.guard import actor, allow, me, open_door

ROOMS = (phones,)
"""Further pages on the same blueprint."""


# ---- signing in and out ----


@bp.route("/sign-in", methods=["GET", "POST"])
@open_door
def sign_in() -> ResponseReturnValue:
    """Name or phone and password. Wrong and unknown are one sentence; wrong tries wait longer each time."""
    form, there = SignInForm(), page.safe_next("/")
    if actor() is not None and request.method == "GET":
        return page.go(there)
    facts: dict[str, Any] = {"form": form, "there": there, "phones": login.phones_here(latch.known_phones())}
    if request.method == "GET":
        return page.render("doors/sign_in.html", **facts)
    if not form.validate():
        return page.render("doors/sign_in.html", status=422, **facts)
    name, network = form.name.data, rules.network_of(request.remote_addr)
    try:
        for what, whom, free, most in _slowed(name, network):
            limits.wait(what, whom, free=free, most=most)
    except Refusal as refusal:
        response = page.render("doors/sign_in.html", status=429, waits=refusal.words(_), **facts)
        response.headers["Retry-After"] = str(refusal.facts["wait_s"])
        return response
    meant, account = login.who_opens(name, form.password.data)
    if account is None:
        return _not_opened(meant, name, network, facts)
    grants = login.grants_of(account.id)
    if not grants:
        form.name.errors = (_("还没有给您安排，请找管理员"),)
        return page.render("doors/sign_in.html", status=422, **facts)
    for what, whom, _free, _most in _slowed(name, network)[:2]:
        limits.right(what, whom)
    login.sign_in(account, grants[0][0])
    return page.go(url_for("doors.grant", next=there) if len(grants) > 1 else there)


def _slowed(name: str, network: str) -> list[tuple[str, str, int, timedelta]]:
    """What a wrong try counts against: this name from here, this name from anywhere, this network."""
    return [
        ("sign_in.here", f"{name}@{network}", 5, timedelta(minutes=15)),
        ("sign_in.name", name, 20, timedelta(minutes=1)),
        ("sign_in.network", network, 50, timedelta(minutes=5)),
    ]


def _not_opened(meant: uuid.UUID | None, name: str, network: str, facts: dict[str, Any]) -> ResponseReturnValue:
    for what, whom, _free, _most in _slowed(name, network):
        limits.wrong(what, whom)
    login.refused(meant, name, network)
    db.settle()
    facts["form"].password.errors = (_("名字或密码不对，请看清再输"),)
    return page.render("doors/sign_in.html", status=422, **facts)


@bp.post("/sign-out")
@allow("people.self")
def sign_out() -> ResponseReturnValue:
    """End this sign-in; what is unsent stays on the phone and is still delivered."""
    login.sign_out(me())
    return page.go(url_for("doors.sign_in"), _("退出了。没交的内容还在手机里"))


@bp.route("/grant", methods=["GET", "POST"])
@allow("people.self")
def grant() -> ResponseReturnValue:
    """Choose under which of one's grants to go on. What opened with a PIN stays a caregiver's."""
    who: Any = me()
    grants, there = _grants_here(who), page.safe_next("/")
    facts: dict[str, Any] = {"grants": grants, "there": there, "role_words": ROLE_WORDS}
    form = PlainForm()
    if request.method == "GET":
        return page.render("doors/grant.html", **facts, wrong=None)
    chosen = next((row for row, _place in grants if str(row.id) == request.form.get("grant")), None)
    if not form.validate() or chosen is None:
        return page.render("doors/grant.html", status=422, **facts, wrong=_("请选一个"))
    login.act_under(who, chosen)
    return page.go(there)


def _grants_here(who: Any) -> list[tuple[Grant, str | None]]:
    """What may be chosen by the way one came in: a link that was forwarded opens only what kin may."""
    if who.device_id:
        return latch.phone_grants(who.account_id)
    return [(row, place) for row, place in login.grants_of(who.account_id) if who.role != Role.KIN or row.role == Role.KIN]


# ---- passwords ----


@bp.post("/people/<uuid:person_id>/reset")
@allow("people.staff")
def give_reset(person_id: uuid.UUID) -> ResponseReturnValue:
    """A one-time code for somebody below to set a new password; never for equal or higher roles (404)."""
    who = me()
    account = login.account_below(who, person_id)
    if account is None:
        raise queries.nothing()
    if account.password_hash is None:
        raise Refusal("no_password", "这位不用密码登录")
    slip, code = Slip.write(Slip.RESET, account, who.account_id)
    name = db.session().get_one(Person, person_id).name
    facts: dict[str, Any] = {"slip": slip, "code": code, "name": name, "back": latch.from_path()}
    return page.render("doors/give_reset.html", qr=latch.qr(latch.public("doors.reset", code=code)), **facts)


@bp.route("/reset", methods=["GET", "POST"])
@open_door
def reset() -> ResponseReturnValue:
    """Set a new password with the code from above; every open sign-in of the account ends."""
    form = ResetForm()
    if request.method == "GET":
        form.code.data = request.args.get("code", "")[:20]
        return page.render("doors/reset.html", form=form)
    if not form.validate():
        return page.render("doors/reset.html", status=422, form=form)
    network = rules.network_of(request.remote_addr)
    limits.wait("slip", network, free=10, most=timedelta(minutes=1))
    try:
        slip = Slip.find(Slip.RESET, form.code.data)
        account = db.session().get_one(Account, slip.account_id)
        audit.by(db.session(), account.id)
        account.reset_password(form.password.data)
        slip.use()
    except Refusal as refusal:
        db.undo()
        if refusal.code.startswith("slip"):
            latch.wrong_slip(Slip.RESET, network)
        latch.mark(form, refusal)
        return page.render("doors/reset.html", status=422, form=form)
    return page.go(url_for("doors.sign_in"), _("密码改好了，请用新密码登录"))


# ---- kin ----


@bp.post("/kin/<uuid:kin_id>/invite")
@allow("people.invite")
def invite(kin_id: uuid.UUID) -> ResponseReturnValue:
    """A link for a relative, once and for seven days, that the station forwards."""
    who = me()
    kin = login.kin_of(who, kin_id)
    if kin is None:
        raise queries.nothing()
    account = login.account_of(kin.person_id) or open_account(kin.person, Role.KIN, None)
    if all(row.role != Role.KIN for row, _place in login.grants_of(account.id)):
        give_grant(account, Role.KIN, None)
    slip, code = Slip.write(Slip.INVITE, account, who.account_id)
    link = latch.public("doors.accept", code=code)
    facts: dict[str, Any] = {
        "slip": slip,
        "link": link,
        "qr": latch.qr(link),
        "name": kin.person.name,
        "resident": kin.resident.name,
    }
    return page.render("doors/invite.html", back=latch.from_path(), **facts)


@bp.route("/i/<code>", methods=["GET", "POST"])
@open_door
def accept(code: str) -> ResponseReturnValue:
    """An invitation. Looking uses nothing up (WeChat looks by itself); the button does, and signs in for ninety days.

    The same link tapped again on the same phone simply goes on.
    """
    who = actor()
    known = db.reading().scalar(sa.select(Slip).where(Slip.code == Slip.digest(Slip.INVITE, code)))
    if who is not None and known is not None and known.account_id == who.account_id:
        return page.go("/")
    gone = known is None or known.used_at is not None or known.until <= clock.now()
    if gone or request.method == "GET":
        return page.render("doors/accept.html", status=422 if gone else 200, gone=gone, other=who)
    try:
        slip = Slip.find(Slip.INVITE, code)
        slip.use()
    except Refusal:
        return page.render("doors/accept.html", status=422, gone=True, other=who)
    account = db.session().get_one(Account, slip.account_id)
    row = next((row for row, _place in login.grants_of(account.id) if row.role == Role.KIN), None)
    if row is None or account.ended_at is not None:
        return page.render("doors/accept.html", status=422, gone=True, other=who)
    audit.note("kin.accept", slip, account=account.id)
    login.sign_in(account, row)
    return page.go("/")


# ---- my page ----


@bp.get("/me", endpoint="me")
@allow("people.self")
def my_page() -> ResponseReturnValue:
    """Who I am here: role, language, text size, phones, sign-ins, the way out."""
    who: Any = me()
    grants, sign_ins = _grants_here(who), login.sign_ins_of(who.account_id)
    role = ROLE_WORDS[who.role]
    place = next((name for row, name in grants if row.place_id == who.place_id and row.role == who.role), None)
    return page.render("doors/me.html", grants=grants, sign_ins=sign_ins, role=role, place=place, sizes=login.SIZES)


@bp.post("/me/scale")
@allow("people.self")
def text_size() -> ResponseReturnValue:
    """Remember the text size, for this account and this browser."""
    size = request.form.get("scale", "")
    if size in login.SIZES:
        db.session().execute(sa.update(Account).where(Account.id == me().account_id).values(scale=int(size)))

        @after_this_request
        def write(response: Response) -> Response:
            response.set_cookie("scale", size, max_age=365 * 86400, samesite="Lax", secure=request.is_secure)
            return response

    return page.go(url_for("doors.me"))


@bp.post("/me/sign-ins/<uuid:sign_in_id>/end")
@allow("people.self")
def end_sign_in(sign_in_id: uuid.UUID) -> ResponseReturnValue:
    """Sign out elsewhere."""
    if not login.end_sign_in(me(), sign_in_id):
        raise queries.nothing()
    return page.go(url_for("doors.me"), _("那边退出了"))


@bp.get("/outbox")
@allow("people.self")
def outbox() -> ResponseReturnValue:
    """What is still on this phone (filled by the phone itself), and what the station holds of mine and has not booked."""
    return page.render("doors/outbox.html", records=login.open_records(me().account_id), says=_held_words())


def _held_words() -> dict[str, str]:
    return {
        inbox.WAITING: _("站里已收到，等前面一条到了再记上"),
        inbox.CONFLICT: _("同一条记了两样内容，站里会来问您"),
        inbox.QUARANTINED: _("这条先放在站里，站里会来问您"),
    }


@bp.get("/access")
@allow("access.see")
def access() -> ResponseReturnValue:
    """Who may do what: the very table the doors ask."""
    rows = [(VERB_WORDS.get(verb, verb), [ROLE_WORDS[role] for role in Role if role in roles]) for verb, roles in GRANTS.items()]
    return page.render("doors/access.html", rows=rows)
