"""Ways in: signing in, enrolling a phone, PIN, choosing a grant, my page, devices, outbox, invitations."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, after_this_request, current_app, jsonify, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from webapp.access import GRANTS, ROLE_WORDS, VERB_WORDS, Role
from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import login, queries, rules
from webapp.people.entry import EnrolForm, OpenPhoneForm, PinForm, ResetForm, SignInForm, read_phone
from webapp.people.models import PIN_TRIES, Account, Device, Grant, Person, Slip, open_account
from webapp.people.models import grant as give_grant
from webapp.store import audit, db, inbox, secrets
from webapp.web import limits, page
from webapp.web.forms import PlainForm
from webapp.web.guard import actor, allow, htmx, me, open_door

bp = Blueprint("doors", __name__)

PRIVATE_VERBS = frozenset({"ledger.see", "health.see"})
"""Reading these asks for a PIN given lately: the book and the health history."""
UNLOCKED = frozenset({"doors.pin", "doors.sign_out"})
PHONES, MOST_PHONES = "phones", 8
HALF_MINUTE = 30
FIVE_MINUTES = timedelta(minutes=5)


@bp.record_once
def _cookies(state: BlueprintSetupState) -> None:
    """The rows say how long a sign-in lasts; the cookie must only outlive the longest of them."""
    state.app.config.update(PERMANENT_SESSION_LIFETIME=login.KIN_LIFE, SESSION_REFRESH_EACH_REQUEST=False)


# ---- the PIN lock ----


@bp.before_app_request
def _lock() -> ResponseReturnValue | None:
    """A locked phone shows nothing; what it recorded still goes out (inbox, kept forms), and open doors stay open."""
    who: Any = actor()
    if who is None or who.device_id is None or request.endpoint is None:
        return None
    verb = getattr(current_app.view_functions[request.endpoint], "verb", None)
    if verb is None or request.endpoint in UNLOCKED or request.endpoint == "live.events" or _carries_record():
        return None
    if login.locked(who, _used_at(), private=verb in PRIVATE_VERBS and request.method in db.SAFE):
        return _to_pin()
    if who.shared and (request.method == "POST" or not htmx):
        _touch()
    return None


def _carries_record() -> bool:
    """A kept form posted without our scripts: a record is never held up by a lock."""
    return request.method == "POST" and all(name in request.form for name in ("id", "made_at", "seal"))


def _used_at() -> datetime | None:
    seconds = session.get("used")
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _touch() -> None:
    """Note in the cookie that somebody is at it; what a page fetches by itself does not count."""
    now = int(clock.now().timestamp())
    if now - int(session.get("used", 0)) >= HALF_MINUTE:
        session["used"] = now


def _to_pin() -> ResponseReturnValue:
    here = request.full_path.rstrip("?") if request.method == "GET" and not htmx else _from_path()
    where = url_for("doors.pin", next=here)
    return page.go(where) if not htmx else Response("", 401, {"HX-Redirect": where})


def _from_path() -> str:
    """The page the browser stands on, without its host."""
    root = request.host_url.rstrip("/")
    there = request.referrer or ""
    return there[len(root) :] if there.startswith(root + "/") else "/"


@bp.route("/pin", methods=["GET", "POST"])
@open_door
def pin() -> ResponseReturnValue:
    """Open this phone with its six digits: go on where it was locked, or sign in again on a phone enrolled here."""
    who: Any = actor()
    phone = _phone_at_hand(who)
    if phone is None:
        return page.go(url_for("doors.sign_in"))
    device, name = phone
    form, there = PinForm(), page.safe_next("/")
    facts: dict[str, Any] = {"form": form, "name": name, "device": device, "there": there, "others": _others(device)}
    if request.method == "GET":
        return page.render("doors/pin.html", **facts)
    if not form.validate():
        return page.render("doors/pin.html", status=422, **facts)
    right = device.opens_with(form.pin.data)
    if who is not None:
        audit.by(db.session(), who.account_id)
    left = device.tried(right)
    if not left:
        db.settle()
        return page.go(url_for("doors.sign_in"), _("密码错了10次，这部手机先锁上。请站长再开通一次；存着的记录都在"))
    if not right:
        db.settle()
        form.pin.errors = (_("不对，请再试。还能试%(n)s次", n=left),)
        return page.render("doors/pin.html", status=422, **facts)
    return _back_in(who, device, there)


def _phone_at_hand(who: Any) -> tuple[Device, str] | None:
    """The phone chosen among those enrolled on this browser, else the signed-in one, with its person's name."""
    wish = ids.parse(request.values.get("phone", ""))
    if wish is not None and (who is None or who.device_id != wish):
        chosen = next((each for each in login.phones_here(_known_phones()) if each[0].id == wish), None)
        if chosen is not None:
            return chosen
    row = db.reading().get(Device, who.device_id) if who is not None and who.device_id else None
    return (row, who.name) if row else None


def _others(device: Device) -> list[tuple[Device, str]]:
    """Who else has a phone on this browser: on a shared phone the next person goes on from here."""
    return [each for each in login.phones_here(_known_phones()) if each[0].id != device.id]


def _back_in(who: Any, device: Device, there: str) -> ResponseReturnValue:
    if who is not None and who.device_id == device.id:
        login.unlock(who)
    else:
        account = db.session().get_one(Account, device.account_id)
        grants = _phone_grants(account.id)
        if not grants:
            return page.go(url_for("doors.sign_in"), _("还没有给您安排，请找站长"))
        login.sign_in(account, grants[0][0], device)
    session["used"] = int(clock.now().timestamp())
    return page.go(there)


# ---- the phones of this browser: which PINs may be tried here ----


def _known_phones() -> list[uuid.UUID]:
    """Devices enrolled on this browser, from the signed cookie; possession only, the PIN is still asked for."""
    pairs = [part.partition(".") for part in request.cookies.get(PHONES, "").split("~")[:MOST_PHONES]]
    keys = [(ids.parse(key), key, seal) for key, _dot, seal in pairs]
    return [found for found, key, seal in keys if found and secrets.signed(key, seal, PHONES)]


def _remember_phone(device_id: uuid.UUID) -> None:
    keys = [device_id, *(each for each in _known_phones() if each != device_id)][:MOST_PHONES]
    value = "~".join(f"{key}.{secrets.sign(str(key), PHONES)}" for key in keys)
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])

    @after_this_request
    def write(response: Response) -> Response:
        response.set_cookie(PHONES, value, max_age=400 * 86400, httponly=True, samesite="Lax", secure=secure)
        return response


# ---- signing in and out ----


@bp.route("/sign-in", methods=["GET", "POST"])
@open_door
def sign_in() -> ResponseReturnValue:
    """Name or phone and password. Wrong and unknown are one sentence; wrong tries wait longer each time."""
    form, there = SignInForm(), page.safe_next("/")
    if actor() is not None and request.method == "GET":
        return page.go(there)
    facts: dict[str, Any] = {"form": form, "there": there, "phones": login.phones_here(_known_phones())}
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
        return _phone_grants(who.account_id)
    return [(row, place) for row, place in login.grants_of(who.account_id) if who.role != Role.KIN or row.role == Role.KIN]


def _phone_grants(account_id: uuid.UUID) -> list[tuple[Grant, str | None]]:
    """A PIN opens only what a caregiver may: office roles ask for their password."""
    return [(row, place) for row, place in login.grants_of(account_id) if row.role == Role.CAREGIVER]


# ---- enrolling a phone ----


@bp.route("/enrol", methods=["GET", "POST"])
@open_door
def enrol() -> ResponseReturnValue:
    """The phone check, the code and the PIN on one page. Posted without our scripts the phone gets no key of its own."""
    form = EnrolForm()
    if request.method == "GET":
        form.slip.data = request.args.get("code", "")[:20]
        return page.render("doors/enrol.html", form=form, now=clock.to_wire(clock.now()))
    if form.validate():
        try:
            label = form.label.data or _("手机")
            _let_in(form.slip.data, form.pin.data, x="", y="", gen=1, label=label)
            return page.go("/")
        except Refusal as refusal:
            _mark(form, refusal, {"code": "slip"})
    return page.render("doors/enrol.html", status=422, form=form, now=clock.to_wire(clock.now()))


@bp.post("/devices")
@open_door
def add_device() -> ResponseReturnValue:
    """Enrol a phone: JSON {slip, jwk, pin, gen, label} → 201 {device, account, name, epoch, backup_seq, beacon}; signs in."""
    sent = read_phone(request.get_json(silent=True))
    device = _let_in(sent.slip, sent.pin, x=sent.x, y=sent.y, gen=sent.gen, label=sent.label)
    name = db.session().get_one(Account, device.account_id).person.name
    head = db.session().execute(sa.select(audit.Head.epoch, audit.Head.backup_seq)).one()
    answer = {
        "device": str(device.id),
        "account": str(device.account_id),
        "name": name,
        "epoch": str(head.epoch),
        "backup_seq": head.backup_seq,
        "beacon": secrets.beacon(clock.now()),
    }
    return jsonify(answer), 201


def _let_in(code: str, pin: str, *, x: str, y: str, gen: int, label: str) -> Device:
    """Enrol and sign in; a wrong code is written down and slows this network."""
    network = rules.network_of(request.remote_addr)
    limits.wait("slip", network, free=10, most=timedelta(minutes=1))
    try:
        device = Device.enrol(code, pin, x=x, y=y, gen=gen, label=label)
        grants = _phone_grants(device.account_id)
        if not grants:
            raise Refusal("no_grant", "还没有给您安排，请找站长", field="code")
    except Refusal as refusal:
        db.undo()
        if refusal.code.startswith("slip"):
            _wrong_slip(Slip.ENROL, network)
        raise
    login.sign_in(db.session().get_one(Account, device.account_id), grants[0][0], device)
    session["used"] = int(clock.now().timestamp())
    _remember_phone(device.id)
    return device


def _wrong_slip(purpose: str, network: str) -> None:
    limits.wrong("slip", network)
    audit.note("slip.wrong", f"slip:{purpose}", network=network)
    db.settle()


def _mark(form: PlainForm, refusal: Refusal, names: dict[str, str] | None = None) -> None:
    """Put a refusal's sentence beside its field, else beside the first one."""
    wish = str(refusal.facts.get("field", ""))
    wish = (names or {}).get(wish, wish)
    field = form[wish] if wish in form else next(iter(form))
    field.errors = (refusal.words(_),)


@bp.route("/people/<uuid:person_id>/phone", methods=["GET", "POST"])
@allow("people.enrol")
def open_phone(person_id: uuid.UUID) -> ResponseReturnValue:
    """The head opens a caregiver's phone: the slip's code, large and as QR, for ten minutes; and what the old phones sent."""
    person, account = _caregiver(person_id)
    form = OpenPhoneForm()
    facts: dict[str, Any] = {"person": person, "form": form, "slip": _slip_asked_for(account)}
    if request.method == "POST" and form.validate():
        slip, code = Slip.write(Slip.ENROL, account, me().account_id, shared=form.shared.data)
        facts |= {"slip": slip, "code": code, "qr": _qr(_public("doors.enrol", code=code))}
    facts["devices"] = login.devices_of(account.id)[:3]
    facts["delivered"] = login.delivered(facts["devices"])
    return page.render("doors/open_phone.html", piece="slip_state", now=clock.now(), **facts)


def _slip_asked_for(account: Account) -> Slip | None:
    """The slip whose state the page keeps asking for."""
    key = ids.parse(request.args.get("slip", ""))
    return db.session().scalar(sa.select(Slip).where(Slip.id == key, Slip.account_id == account.id)) if key else None


def _caregiver(person_id: uuid.UUID) -> tuple[Person, Account]:
    """A caregiver within reach and her account. Raises Missing; refuses those who have a password instead."""
    person = queries.person(me(), person_id)
    account = login.account_of(person.id)
    if account is None or not _phone_grants(account.id):
        raise Refusal("no_caregiver", "只有养护员的手机要开通，这位用密码登录")
    return person, account


@bp.post("/people/<uuid:person_id>/phone/<uuid:device_id>/revoke")
@allow("people.enrol")
def revoke_phone(person_id: uuid.UUID, device_id: uuid.UUID) -> ResponseReturnValue:
    """Stop a caregiver's phone: lost, or in the wrong hands."""
    _person, account = _caregiver(person_id)
    _revoke(account.id, device_id)
    return page.go(url_for("doors.open_phone", person_id=person_id), _("停用了。之后从它来的记录先放在站里"))


def _revoke(account_id: uuid.UUID, device_id: uuid.UUID) -> None:
    device = db.session().scalar(sa.select(Device).where(Device.id == device_id, Device.account_id == account_id))
    if device is None:
        raise queries.nothing()
    if device.revoked_at is None:
        device.revoke()


def _public(endpoint: str, **values: Any) -> str:
    """An address that works from another phone."""
    return str(current_app.extensions["settings"].public_url) + url_for(endpoint, **values)


def _qr(text: str) -> Markup:
    """`text` as an SVG of black modules on white, quiet zone included."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dots = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, on in enumerate(row) if on)
    return Markup(
        '<svg width="264" height="264" viewBox="0 0 {0} {0}" role="img" aria-label="{1}" shape-rendering="crispEdges">'
        '<rect width="{0}" height="{0}" fill="#fff"/><path d="{2}" fill="#000"/></svg>'
    ).format(len(rows), _("二维码"), dots)


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
    facts: dict[str, Any] = {"slip": slip, "code": code, "name": name, "back": _from_path()}
    return page.render("doors/give_reset.html", qr=_qr(_public("doors.reset", code=code)), **facts)


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
            _wrong_slip(Slip.RESET, network)
        _mark(form, refusal)
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
    link = _public("doors.accept", code=code)
    facts: dict[str, Any] = {"slip": slip, "link": link, "qr": _qr(link), "name": kin.person.name, "resident": kin.resident.name}
    return page.render("doors/invite.html", back=_from_path(), **facts)


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


@bp.get("/me/devices")
@allow("people.self")
def devices() -> ResponseReturnValue:
    """My phones: which may deliver, when each was last opened; a lost one is stopped here."""
    return page.render("doors/devices.html", devices=login.devices_of(me().account_id), mine=me(), most=PIN_TRIES)


@bp.post("/me/devices/<uuid:device_id>/revoke")
@allow("people.self")
def revoke(device_id: uuid.UUID) -> ResponseReturnValue:
    """Stop one of my own phones."""
    _revoke(me().account_id, device_id)
    return page.go(url_for("doors.devices"), _("停用了。之后从它来的记录先放在站里"))


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
