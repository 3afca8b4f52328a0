"""Pages of the staff and of places: who works where under which role, the duty table, the tree."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import current_app, request, url_for
from flask.wrappers import Response
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import APPOINTS, ROLE_WORDS, Actor, Role, appoints
from webapp.kit import clock, ids, show
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.people import forms, models, queries, rules
from webapp.people.delivered import delivered
from webapp.people.desk import born, bp, form_page, fresh, stale_page, taken
from webapp.people.models import Account, DutyHour, Grant, Place, PlaceKind
from webapp.people.rules import Stretch
from webapp.web import page
from webapp.web.guard import allow, me

PAGE = 30
SEATS: dict[Role, tuple[PlaceKind, ...]] = {
    Role.CAREGIVER: (PlaceKind.STATION,),
    Role.LIAISON: (PlaceKind.STATION,),
    Role.STATION_HEAD: (PlaceKind.STATION,),
    Role.DOCTOR: (PlaceKind.STATION, PlaceKind.STREET),
    Role.INSPECTOR: (PlaceKind.STREET, PlaceKind.DISTRICT),
    Role.STREET_MANAGER: (PlaceKind.STREET,),
}
"""Where a role may sit; others sit in the district."""
Answer = Response | AnyResponse


@bp.get("/staff")
@allow("people.staff")
def people() -> Answer:
    """Who works at the reader's places."""
    who = me()
    role = request.args.get("role", "")
    role = role if role in set(Role) - {Role.KIN} else ""
    found = queries.staff(who, role=role or None, after=request.args.get("after", "")[:8], limit=PAGE + 1)
    return page.render(
        "people/staff.html",
        piece="staff",
        staff=found[:PAGE],
        role=role,
        roles=[(each.value, ROLE_WORDS[each]) for each in Role if each not in (Role.KIN, Role.ADMINISTRATOR)],
        role_words=ROLE_WORDS,
        place_of={each.id: each.name for each in queries.places(who)},
        next_after=found[PAGE - 1][0].number if len(found) > PAGE else None,
        appoints=bool(APPOINTS.get(who.role)),
    )


@bp.get("/people/<uuid:person_id>")
@allow("people.staff")
def person(person_id: uuid.UUID) -> Answer:
    """Somebody of the staff: roles, households, phones."""
    who = me()
    return page.render("people/person.html", **_about(who, person_id))


def _about(who: Actor, key: uuid.UUID) -> dict[str, Any]:
    found = queries.person(who, key)
    account = queries.account_of(key)
    grants = queries.grants(account.id) if account else []
    devices = queries.devices(account.id) if account else []
    known = current_app.view_functions
    return {
        "person": found,
        "account": account,
        "grants": grants,
        "now": clock.now(),
        "held": queries.held(key),
        "devices": devices,
        "delivered": delivered([device.id for device in devices]),
        "role_words": ROLE_WORDS,
        "lower": all(appoints(who.role, Role(row.role)) for row, _place in grants if row.until is None),
        "may_end": lambda row: appoints(who.role, Role(row.role)),
        "opens_phone": "doors.open_phone" in known,
        "resets": "doors.give_reset" in known,
        "mask_phone": rules.mask_phone,
        "mask_id": rules.mask_national_id,
        "born": born(found),
    }


@bp.route("/people/new", methods=["GET", "POST"])
@allow("people.staff")
def new_person() -> Answer:
    """Somebody new, with account and first role."""
    who, form = me(), forms.NewStaffForm()
    places = _offer(who, form)
    made: list[Account] = []

    def take_on() -> None:
        role, place = _seat(form, places)
        account = models.take_on(
            who,
            form.name.data,
            role,
            place,
            login=form.login.data or None,
            until=_last_moment(form),
            key=form.key.data,
            national_id=form.national_id.data.number if form.national_id.data else None,
            phones=form.phones.data or (),
            sex=form.sex.data,
            **rules.born(form.birth.data),
        )
        made.append(account)

    if taken(form, take_on):
        return page.go(url_for("people.person", person_id=form.key.data), _("存好了"))
    return form_page(form, title=_l("添一位工作人员"), back=url_for("people.people"))


def _offer(who: Actor, form: forms.GrantForm) -> dict[str, Place]:
    """Fill the choices of role and place; the places by id."""
    places = {str(each.id): each for each in queries.places(who)}
    form.offer([role for role in Role if appoints(who.role, role)], forms.seats(who, places.values()))
    return places


def _seat(form: forms.GrantForm, places: dict[str, Place]) -> tuple[Role, Place]:
    role, place = Role(form.role.data), places[form.place.data]
    if PlaceKind(place.kind) not in SEATS.get(role, (PlaceKind.DISTRICT,)):
        raise Refusal("seat", "这个岗位不设在这里，请换一个地方", field="place")
    return role, place


def _last_moment(form: forms.GrantForm) -> Any:
    """The role holds through its last day."""
    return clock.instant(form.until.data + timedelta(days=1), 0) if form.until.data else None


@bp.route("/people/<uuid:person_id>/edit", methods=["GET", "POST"])
@allow("people.staff")
def edit_person(person_id: uuid.UUID) -> Answer:
    """Change what is known of somebody; a blank number stays as it is."""
    found = queries.person(me(), person_id)
    now = {"name": found.name, "sex": found.sex, "birth": rules.birth_of(found.birth_date, found.birth_precision)}
    form = forms.StaffForm(data=now)
    for field, shown in ((form.phones, found.phone and rules.mask_phone(found.phone)), (form.national_id, _id_shown(found))):
        field.description = _("现在是%(shown)s，不改就空着", shown=shown) if shown else None
    back = url_for("people.person", person_id=person_id)
    if not fresh(form, now):
        return stale_page(form, [(form.name.label.text, found.name)], title=found.name, back=back)

    def change() -> None:
        number = form.national_id.data.number if form.national_id.data else None
        given = {"sex": form.sex.data, **rules.born(form.birth.data)}
        models.change(found, name=form.name.data, phones=form.phones.data, national_id=number, **given)

    if taken(form, change):
        return page.go(back, _("存好了"))
    return form_page(form, title=found.name, back=back)


def _id_shown(found: Any) -> str | None:
    return rules.mask_national_id(found.national_id) if found.national_id else None


@bp.route("/people/<uuid:person_id>/roles", methods=["GET", "POST"])
@allow("people.staff")
def new_grant(person_id: uuid.UUID) -> Answer:
    """A further role, with an optional end."""
    who, form = me(), forms.GrantForm()
    found, account, places = queries.person(who, person_id), queries.account_of(person_id), _offer(who, form)
    if account is None:
        raise queries.nothing()

    def give() -> None:
        role, place = _seat(form, places)
        models.appoint(who, account, role, place, _last_moment(form))

    back = url_for("people.person", person_id=person_id)
    if taken(form, give):
        return page.go(back, _("存好了"))
    return form_page(form, title=_l("添一个岗位"), sub=found.name, back=back)


@bp.post("/people/<uuid:person_id>/roles/<uuid:grant_id>/end")
@allow("people.staff")
def end_grant(person_id: uuid.UUID, grant_id: uuid.UUID) -> Answer:
    """A role ends today."""
    who = me()
    queries.person(who, person_id)
    account = queries.account_of(person_id)
    row = next((row for row, _place in queries.grants(account.id) if row.id == grant_id), None) if account else None
    if row is None:
        raise queries.nothing()
    return _done(person_id, lambda: models.end_grant(who, _open(row)), _l("这个岗位停了"))


def _open(row: Grant) -> Grant:
    if row.until and row.until <= clock.now():
        raise Refusal("grant_over", "这个岗位已经停了")
    return row


@bp.post("/people/<uuid:person_id>/end")
@allow("people.staff")
def end_account(person_id: uuid.UUID) -> Answer:
    """The account ends: no way in any more; late records are still taken."""
    who = me()
    queries.person(who, person_id)
    account = queries.account_of(person_id)
    if account is None:
        raise queries.nothing()
    return _done(person_id, lambda: models.retire(who, account), _l("账号停了"))


def _done(key: uuid.UUID, deed: Any, said: object) -> Answer:
    """Do it and go back to the person; a Refusal is said on the person's page."""
    try:
        deed()
    except Refusal as refusal:
        return page.render("people/person.html", status=422, refused=refusal.words(_), **_about(me(), key))
    return page.go(url_for("people.person", person_id=key), said)


# --- places --------------------


@bp.get("/places")
@allow("people.see")
def places() -> Answer:
    """The tree: district, streets, stations, and whose duty table has holes."""
    who = me()
    return page.render("people/places.html", tree=_tree(queries.places(who)), founds=_may_found(who))


def _tree(found: Any) -> list[tuple[int, Place]]:
    """Each place after the one above it, with its depth."""
    below: dict[uuid.UUID | None, list[Place]] = {}
    within = {each.id for each in found}
    for each in found:
        below.setdefault(each.parent_id if each.parent_id in within else None, []).append(each)

    def down(key: uuid.UUID | None, depth: int) -> list[tuple[int, Place]]:
        return [pair for each in below.get(key, []) for pair in ((depth, each), *down(each.id, depth + 1))]

    return down(None, 0)


def _may_found(who: Actor) -> bool:
    return who.role in (Role.DISTRICT_OFFICER, Role.STREET_MANAGER, Role.ADMINISTRATOR)


@bp.route("/places/new", methods=["GET", "POST"])
@allow("people.found")
def new_place() -> Answer:
    """A street under the district, a station under a street."""
    who, form = me(), forms.PlaceForm()
    above = {str(each.id): each for each in queries.places(who) if each.kind != PlaceKind.STATION}
    form.parent.choices = [(key, each.name) for key, each in above.items()]

    def found() -> None:
        parent = above[form.parent.data]
        kind = PlaceKind.STREET if parent.kind == PlaceKind.DISTRICT else PlaceKind.STATION
        models.refuse_code(form.code.data)
        models.found_place(kind, form.code.data, form.name.data, parent, form.phone.data or None)

    if taken(form, found):
        return page.go(url_for("people.places"), _("存好了"))
    return form_page(form, title=_l("添一个地方"), back=url_for("people.places"))


@bp.route("/places/<uuid:place_id>/duty", methods=["GET", "POST"])
@allow("people.duty")
def duty(place_id: uuid.UUID) -> Answer:
    """The duty table of a place; hours nobody answers are named in words."""
    place = queries.place(me(), place_id)
    hours = queries.duty_table(place_id)
    now = {"rows": _lines(hours)}
    form = forms.DutyForm(data={"rows": [*now["rows"], {}, {}]})
    facts = {"place": place, "holes": hole_words(queries.duty_holes(place)), "empty": not hours}
    if not fresh(form, now, lambda: {"rows": _lines(_hours(place, form))}):
        return stale_page(form, [], template="people/duty.html", **facts)
    if taken(form, lambda: models.set_duty(place, _hours(place, form))):
        return page.go(url_for("people.duty", place_id=place_id), _("存好了"))
    return form_page(form, "people/duty.html", **facts)


def _lines(hours: Any) -> list[dict[str, Any]]:
    each = [
        Stretch((row.weekday,), row.since, row.until, row.name, row.phone, row.next_name or "", row.next_phone or "")
        for row in hours
    ]
    codes = {days: code for code, days in forms.DAYS.items()}
    return [vars(line) | {"days": codes[line.days]} for line in rules.gathered(each, codes)]


def _hours(place: Place, form: forms.DutyForm) -> list[DutyHour]:
    lines = [row.form for row in form.rows if not row.form.blank]
    return [
        DutyHour(
            id=ids.new(),
            place_id=place.id,
            weekday=day,
            since=line.since.data % 1440,
            until=line.until.data,
            name=line.name.data,
            phone=line.phone.data,
            next_name=line.next_name.data or None,
            next_phone=line.next_phone.data or None,
        )
        for line in lines
        for day in forms.DAYS[line.days.data]
    ]


def hole_words(holes: list[tuple[int, int, int]]) -> list[str]:
    """周一 0:00 到 8:00, one for each hour nobody answers; the same hole every day is said once."""
    daily = [hole for hole in {hole[1:] for hole in holes} if sum(each[1:] == hole for each in holes) == 7]
    said = [_("每天 %(since)s 到 %(until)s", since=show.minute(since), until=_until(until)) for since, until in sorted(daily)]
    for weekday, since, until in holes:
        if (since, until) not in daily:
            day = str(show.WEEKDAYS[weekday])
            said.append(_("%(day)s %(since)s 到 %(until)s", day=day, since=show.minute(since), until=_until(until)))
    return said


def _until(minute: int) -> str:
    return "24:00" if minute == 1440 else show.minute(minute)
