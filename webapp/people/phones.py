"""Phones: the PIN, enrolling with a slip, what the head and the owner see of them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import jsonify, request, session, url_for
from flask.typing import ResponseReturnValue

from webapp.kit import clock, ids
from webapp.kit.refusal import Refusal
from webapp.kit.words import _
from webapp.people import keys, latch, login, queries, rules
from webapp.people.delivered import delivered
from webapp.people.entry import EnrolForm, OpenPhoneForm, PinForm, read_phone
from webapp.people.latch import bp
from webapp.people.models import PIN_TRIES, Account, Device, Person, Slip
from webapp.store import audit, db, secrets
from webapp.web import limits, page
from webapp.web.guard import actor, allow, me, open_door
from webapp.web.intake import told

# ---- the PIN ----


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
        chosen = next((each for each in login.phones_here(latch.known_phones()) if each[0].id == wish), None)
        if chosen is not None:
            return chosen
    row = db.reading().get(Device, who.device_id) if who is not None and who.device_id else None
    return (row, who.name) if row else None


def _others(device: Device) -> list[tuple[Device, str]]:
    """Who else has a phone on this browser: on a shared phone the next person goes on from here."""
    return [each for each in login.phones_here(latch.known_phones()) if each[0].id != device.id]


def _back_in(who: Any, device: Device, there: str) -> ResponseReturnValue:
    if who is not None and who.device_id == device.id:
        login.unlock(who)
    else:
        account = db.session().get_one(Account, device.account_id)
        grants = latch.phone_grants(account.id)
        if not grants:
            return page.go(url_for("doors.sign_in"), _("还没有给您安排，请找站长"))
        login.sign_in(account, grants[0][0], device)
    session["used"] = int(clock.now().timestamp())
    return page.go(there)


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
            latch.mark(form, refusal, {"code": "slip"})
    return page.render("doors/enrol.html", status=422, form=form, now=clock.to_wire(clock.now()))


@bp.post("/devices")
@open_door
def add_device() -> ResponseReturnValue:
    """Enrol a phone: JSON {slip, jwk, pin, gen, label} → 201 {device, account, name, epoch, backup_seq, beacon}; signs in."""
    sent = read_phone(request.get_json(silent=True))
    device = _let_in(sent.slip, sent.pin, x=sent.x, y=sent.y, gen=sent.gen, label=sent.label)
    keys.hear(device.id, told())
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
        grants = latch.phone_grants(device.account_id)
        if not grants:
            raise Refusal("no_grant", "还没有给您安排，请找站长", field="code")
    except Refusal as refusal:
        db.undo()
        if refusal.code.startswith("slip"):
            latch.wrong_slip(Slip.ENROL, network)
        raise
    login.sign_in(db.session().get_one(Account, device.account_id), grants[0][0], device)
    session["used"] = int(clock.now().timestamp())
    latch.remember_phone(device.id)
    return device


@bp.route("/people/<uuid:person_id>/phone", methods=["GET", "POST"])
@allow("people.enrol")
def open_phone(person_id: uuid.UUID) -> ResponseReturnValue:
    """The head opens a caregiver's phone: the slip's code, large and as QR, for ten minutes; and what the old phones sent."""
    person, account = _caregiver(person_id)
    form = OpenPhoneForm()
    facts: dict[str, Any] = {"person": person, "form": form, "slip": _slip_asked_for(account)}
    if request.method == "POST" and form.validate():
        slip, code = Slip.write(Slip.ENROL, account, me().account_id, shared=form.shared.data)
        facts |= {"slip": slip, "code": code, "qr": latch.qr(latch.public("doors.enrol", code=code))}
    facts["devices"] = login.devices_of(account.id)[:3]
    facts["delivered"] = delivered([device.id for device in facts["devices"]])
    return page.render("doors/open_phone.html", piece="slip_state", now=clock.now(), **facts)


def _slip_asked_for(account: Account) -> Slip | None:
    """The slip whose state the page keeps asking for."""
    key = ids.parse(request.args.get("slip", ""))
    return db.session().scalar(sa.select(Slip).where(Slip.id == key, Slip.account_id == account.id)) if key else None


def _caregiver(person_id: uuid.UUID) -> tuple[Person, Account]:
    """A caregiver within reach and her account. Raises Missing; refuses those who have a password instead."""
    person = queries.person(me(), person_id)
    account = login.account_of(person.id)
    if account is None or not latch.phone_grants(account.id):
        raise Refusal("no_caregiver", "只有养护员的手机要开通，这位用密码登录")
    return person, account


@bp.post("/people/<uuid:person_id>/phone/<uuid:device_id>/revoke")
@allow("people.enrol")
def revoke_phone(person_id: uuid.UUID, device_id: uuid.UUID) -> ResponseReturnValue:
    """Stop a caregiver's phone: lost, or in the wrong hands."""
    _person, account = _caregiver(person_id)
    _revoke(account.id, device_id)
    there = page.safe_next(url_for("doors.open_phone", person_id=person_id))
    return page.go(there, _("停用了。之后从它来的记录先放在站里"))


def _revoke(account_id: uuid.UUID, device_id: uuid.UUID) -> None:
    device = db.session().scalar(sa.select(Device).where(Device.id == device_id, Device.account_id == account_id))
    if device is None:
        raise queries.nothing()
    if device.revoked_at is None:
        device.revoke()


# ---- my own phones ----


@bp.get("/me/devices")
@allow("people.self")
def devices() -> ResponseReturnValue:
    """My phones: which may deliver, when each was last opened; a lost one is stopped here."""
    found = login.devices_of(me().account_id)
    came = delivered([device.id for device in found])
    return page.render("doors/devices.html", devices=found, delivered=came, mine=me(), most=PIN_TRIES)


@bp.post("/me/devices/<uuid:device_id>/revoke")
@allow("people.self")
def revoke(device_id: uuid.UUID) -> ResponseReturnValue:
    """Stop one of my own phones."""
    _revoke(me().account_id, device_id)
    return page.go(url_for("doors.devices"), _("停用了。之后从它来的记录先放在站里"))
