"""Pages of people: the list, households, residents, kin and who cares for whom."""

from __future__ import annotations

import uuid
from typing import Any

from flask import abort, current_app, request, send_file, url_for
from flask.wrappers import Response
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import MASKED, Actor
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.people import commands, forms, importing, models, queries, rules, staff
from webapp.people.desk import asked, blame, bp, doors, form_page, fresh, look, stale_page, taken
from webapp.people.models import Alert, Contact, Household, Kin, Resident, Spot
from webapp.store import files, rulebook
from webapp.web import page
from webapp.web.guard import allow, me

COMMANDS = commands.COMMANDS
ROOMS = (staff, importing)
"""Their pages hang on the same blueprint."""
PAGE = 30
Answer = Response | AnyResponse


@bp.get("/people")
@allow("people.see")
def index() -> Answer:
    """Households of the reader's stations, or what the search found."""
    who, words = me(), asked()
    stations = queries.stations(who)
    station = next((each for each in stations if str(each.id) == request.args.get("station")), None)
    unpaired = request.args.get("unpaired") == "1"
    after = request.args.get("after", "")[:8]
    found = queries.search(who, words) if who.role not in MASKED or rules.is_number(words) else []
    households = queries.households(
        who, station_id=station.id if station else None, unpaired=unpaired, after=after, limit=PAGE + 1
    )
    return page.render(
        "people/index.html",
        piece="households",
        stations=stations,
        station=station,
        unpaired=unpaired,
        words=words,
        found=found,
        households=households[:PAGE],
        caregivers=queries.main_caregivers([each.id for each in households[:PAGE]]),
        place_of={each.id: each.name for each in stations},
        next_after=households[PAGE - 1].number if len(households) > PAGE else None,
        masked=who.role in MASKED,
        mask=rules.mask_name,
        age=_age,
    )


# --- a household --------------------


@bp.get("/households/<uuid:household_id>")
@allow("people.see")
def household(household_id: uuid.UUID) -> Answer:
    """A household: where it is, who lives there, who cares for it. The look is written down."""
    who = me()
    found = queries.household(who, household_id)
    residents = [each for each in found.residents if each.ended_on is None]
    facts: dict[str, Any] = {
        "units": queries.units(household_id),
        "kin": queries.kin([each.id for each in residents]),
        "spots": queries.spots(household_id),
        "contacts": queries.contacts(household_id),
        "station": queries.place(who, found.station_id),
    }
    look(who, household_id, "household")
    return page.render(
        "people/household.html",
        household=found,
        residents=residents,
        past=[each for each in found.residents if each.ended_on],
        doors=_rooms(household_id),
        masked=who.role in MASKED,
        mask=rules.mask_name,
        mask_phone=rules.mask_phone,
        age=_age,
        words=_WORDS,
        **facts,
    )


def _rooms(key: uuid.UUID) -> list[tuple[str, str, object]]:
    return doors(
        ("roster.plan", "calendar", _l("服务计划"), {"household_id": key}),
        ("visits.history", "history", _l("上门记录"), {"household_id": key}),
        ("ledger.book", "notebook-text", _l("账本"), {"household_id": key}),
        ("cards.household", "id-card", _l("身份卡"), {"household_id": key}),
    )


_WORDS = {
    "spot": dict(forms.SPOTS),
    "near": dict(forms.NEAR),
    "scope": dict(forms.SCOPES),
    "alert": dict(forms.ALERTS),
    "sex": dict(forms.SEXES),
    "how": dict(forms.HOW),
}


def _age(resident: Resident) -> int | None:
    return rules.age(resident.birth_date, clock.today()) if resident.birth_date else None


@bp.route("/households/new", methods=["GET", "POST"])
@allow("people.edit")
def new_household() -> Answer:
    """A new household of one of the reader's stations."""
    who, form = me(), forms.NewHouseholdForm()
    stations = queries.stations(who)
    form.station.choices = forms.seats(who, stations)
    if len(stations) == 1 and not form.is_submitted():
        form.station.data = str(stations[0].id)

    def settle() -> None:
        station = next(each for each in stations if str(each.id) == form.station.data)
        models.settle_household(station, form.address.data, no_signal=form.no_signal.data, key=form.key.data)

    if taken(form, settle):
        return page.go(url_for("people.new_resident", household_id=form.key.data), _("存好了，再写住的是谁"))
    return form_page(form, title=_l("添一户"), back=url_for("people.index"))


@bp.route("/households/<uuid:household_id>/edit", methods=["GET", "POST"])
@allow("people.edit")
def edit_household(household_id: uuid.UUID) -> Answer:
    """Change address, station, signal."""
    who = me()
    found = queries.household(who, household_id)
    stations = queries.stations(who)
    now = {"station": str(found.station_id), "address": found.address, "no_signal": found.no_signal}
    form = forms.HouseholdForm(data=now)
    form.station.choices = forms.seats(who, stations)
    back = url_for("people.household", household_id=household_id)
    if not fresh(form, now):
        kept = [(form.address.label.text, found.address), (form.no_signal.label.text, _yes(found.no_signal))]
        return stale_page(form, kept, title=found.name, back=back)

    def change() -> None:
        station = next(each for each in stations if str(each.id) == form.station.data)
        models.change_household(found, form.address.data, no_signal=form.no_signal.data, station=station)

    if taken(form, change):
        return page.go(back, _("存好了"))
    return form_page(form, title=found.name, back=back)


def _yes(value: bool) -> str:
    return _("是") if value else _("不是")


@bp.route("/households/<uuid:household_id>/spots", methods=["GET", "POST"])
@allow("people.edit")
def new_spot(household_id: uuid.UUID) -> Answer:
    """A point where the household is visited, converted to WGS-84."""
    found = queries.household(me(), household_id)
    usual = rulebook.current("people", clock.today(), found.station_id)["spot_radius_m"]
    form = forms.SpotForm(data={"radius": usual})

    def add() -> None:
        lat, lon = rules.to_wgs84(form.place.data, form.system.data)
        name = form.name.data or str(dict(forms.SPOTS)[form.kind.data])
        spot = (round(lat * 1e6), round(lon * 1e6))
        models.add_spot(found, *spot, kind=form.kind.data, name=name, radius_m=form.radius.data)

    back = url_for("people.household", household_id=household_id)
    if taken(form, add):
        return page.go(back, _("存好了"))
    return form_page(form, title=_l("在哪里服务"), sub=found.name, back=back)


@bp.route("/households/<uuid:household_id>/contacts", methods=["GET", "POST"])
@allow("people.edit")
def new_contact(household_id: uuid.UUID) -> Answer:
    """A neighbour, or who holds the household_id."""
    found, form = queries.household(me(), household_id), forms.ContactForm()
    back = url_for("people.household", household_id=household_id)
    if taken(form, lambda: models.add_contact(found, form.kind.data, form.name.data, form.phone.data[0])):
        return page.go(back, _("存好了"))
    return form_page(form, title=_l("附近能帮忙的人"), sub=found.name, back=back)


@bp.post("/spots/<uuid:spot_id>/drop")
@allow("people.edit")
def drop_spot(spot_id: uuid.UUID) -> Answer:
    """A point that is no longer right."""
    return _dropped(queries.one(me(), Spot, spot_id))


@bp.post("/contacts/<uuid:contact_id>/drop")
@allow("people.edit")
def drop_contact(contact_id: uuid.UUID) -> Answer:
    """Somebody who is no longer near."""
    return _dropped(queries.one(me(), Contact, contact_id))


def _dropped(row: Spot | Contact) -> Answer:
    back = url_for("people.household", household_id=row.household_id)
    models.drop(row)
    return page.go(back, _("去掉了"))


@bp.route("/households/<uuid:household_id>/caregiver", methods=["GET", "POST"])
@allow("people.edit")
def pair(household_id: uuid.UUID) -> Answer:
    """Choose or change the household's main caregiver."""
    who, form = me(), forms.PairForm()
    found = queries.household(who, household_id)
    team = queries.caregivers(who, found.station_id)
    loads = queries.loads([each.id for each in team])
    form.caregiver.choices = [
        (str(each.id), _("%(name)s，现在%(n)s户", name=each.name, n=loads.get(each.id, 0))) for each in team
    ]

    def choose() -> None:
        caregiver = next(each for each in team if str(each.id) == form.caregiver.data)
        models.pair(found, caregiver, relative=form.relative.data)

    back = url_for("people.household", household_id=household_id)
    if taken(form, choose):
        return page.go(back, _("配好了"))
    return form_page(form, "people/pair.html", household=found, back=back, units=queries.units(household_id))


@bp.get("/households/<uuid:household_id>/looks")
@allow("people.see")
def looks(household_id: uuid.UUID) -> Answer:
    """Who looked at this household's records."""
    found = queries.household(me(), household_id)
    return page.render("people/looks.html", household=found, looks=queries.looks(household_id), whats=_WHATS)


_WHATS = {
    "household": _l("看了这一户"),
    "resident": _l("看了老人资料"),
    "reveal_phone": _l("看了电话"),
    "reveal_national_id": _l("看了身份证号"),
}


# --- a resident --------------------


@bp.get("/residents/<uuid:resident_id>")
@allow("people.see")
def resident(resident_id: uuid.UUID) -> Answer:
    """A resident: facts with numbers masked, alerts, kin and what they may see. The look is written down."""
    who = me()
    found = queries.resident(who, resident_id)
    home = queries.household(who, found.household_id)
    kin = queries.kin([resident_id])
    look(who, home.id, "resident")
    return page.render("people/resident.html", reveal=forms.RevealForm(), **_shown(who, found, home, kin))


def _shown(who: Actor, found: Resident, home: Household, kin: Any) -> dict[str, Any]:
    return {
        "resident": found,
        "household": home,
        "kin": kin,
        "alerts": [each for each in found.alerts if each.until is None],
        "past_alerts": [each for each in found.alerts if each.until],
        "masked": who.role in MASKED,
        "mask": rules.mask_name,
        "mask_phone": rules.mask_phone,
        "mask_id": rules.mask_national_id,
        "age": _age(found),
        "born": str(rules.birth_of(found.birth_date, found.birth_precision) or ""),
        "words": _WORDS,
        "invites": "doors.invite" in current_app.view_functions,
    }


@bp.route("/households/<uuid:household_id>/residents/new", methods=["GET", "POST"])
@allow("people.edit")
def new_resident(household_id: uuid.UUID) -> Answer:
    """Take a resident in."""
    home, form = queries.household(me(), household_id), forms.NewResidentForm()

    def take_in() -> None:
        made = models.take_in(
            home, form.name.data, national_id=_number(form), key=form.key.data, **_facts(form), **_card(form, None)
        )
        made.set_phones(form.phones.data or ())

    if taken(form, take_in):
        return page.go(url_for("people.resident", resident_id=form.key.data), _("存好了"))
    return form_page(form, title=_l("添一位老人"), sub=home.address, back=url_for("people.household", household_id=household_id))


def _number(form: forms.ResidentForm | forms.StaffForm) -> str | None:
    return form.national_id.data.number if form.national_id.data else None


def _facts(form: forms.ResidentForm) -> dict[str, Any]:
    born = rules.born(form.birth.data)
    given = {
        "sex": form.sex.data,
        "tier": form.tier.data,
        "relation": form.relation.data or "",
        "blood_type": form.blood_type.data,
    }
    return {**born, **given}


def _card(form: forms.ResidentForm, before: Any) -> dict[str, Any]:
    """The day of consent stays what it was while it holds."""
    return {"card_consent_on": (before or clock.today()) if form.card_consent.data else None}


@bp.route("/residents/<uuid:resident_id>/edit", methods=["GET", "POST"])
@allow("people.edit")
def edit_resident(resident_id: uuid.UUID) -> Answer:
    """Change what is known of a resident; a blank number stays as it is."""
    who = me()
    found = queries.resident(who, resident_id)
    home = queries.household(who, found.household_id)
    now = {name: getattr(found, name) for name in ("name", "sex", "tier", "relation", "blood_type")}
    now |= {"birth": rules.birth_of(found.birth_date, found.birth_precision), "card_consent": found.card_consent_on is not None}
    form = forms.ResidentForm(data=now)
    form.phones.description = _masked_hint(rules.mask_phone(found.phones[0]) if found.phones else None)
    form.national_id.description = _masked_hint(found.national_id and rules.mask_national_id(found.national_id))
    back = url_for("people.resident", resident_id=resident_id)
    if not fresh(form, now):
        kept = [(form[name].label.text, value) for name, value in now.items() if value not in (None, "", True, False)]
        return stale_page(form, kept, title=found.name, back=back)

    def change() -> None:
        card = _card(form, found.card_consent_on)
        models.change(
            found,
            name=form.name.data,
            phones=form.phones.data,
            national_id=_number(form),
            household=home,
            **_facts(form),
            **card,
        )

    if taken(form, change):
        return page.go(back, _("存好了"))
    return form_page(form, title=found.name, back=back)


def _masked_hint(shown: str | None) -> Any:
    return _("现在是%(shown)s，不改就空着", shown=shown) if shown else None


@bp.route("/residents/<uuid:resident_id>/end", methods=["GET", "POST"])
@allow("people.edit")
def discharge(resident_id: uuid.UUID) -> Answer:
    """A resident is no longer cared for."""
    who, form = me(), forms.DischargeForm(data={"on": clock.today()})
    found = queries.resident(who, resident_id)
    home = queries.household(who, found.household_id)
    if taken(form, lambda: models.discharge(found, home, form.on.data)):
        return page.go(url_for("people.household", household_id=home.id), _("记下了"))
    back = url_for("people.resident", resident_id=resident_id)
    note = _l("资料都留着。这一户没有别的老人了，养护员也就不再上门")
    return form_page(form, title=_l("不再照看"), sub=found.name, back=back, note=note)


@bp.route("/residents/<uuid:resident_id>/alerts", methods=["GET", "POST"])
@allow("people.edit")
def new_alert(resident_id: uuid.UUID) -> Answer:
    """Put an alert on a resident."""
    found, form = queries.resident(me(), resident_id), forms.AlertForm()
    back = url_for("people.resident", resident_id=resident_id)
    if taken(form, lambda: models.warn(found, form.words.data, kind=form.kind.data, level=form.level.data)):
        return page.go(back, _("存好了"))
    return form_page(form, title=_l("要注意的事"), sub=found.name, back=back)


@bp.post("/alerts/<uuid:alert_id>/end")
@allow("people.edit")
def end_alert(alert_id: uuid.UUID) -> Answer:
    """An alert that no longer holds."""
    found = queries.one(me(), Alert, alert_id, joinedload(Alert.resident))
    models.calm(found, found.resident.household_id)
    return page.go(url_for("people.resident", resident_id=found.resident_id), _("去掉了"))


# --- masked numbers --------------------


@bp.post("/residents/<uuid:resident_id>/reveal")
@allow("people.reveal")
def reveal(resident_id: uuid.UUID) -> Answer:
    """A masked number whole, for a reason; kin and station can read who looked and why."""
    who = me()
    found = queries.resident(who, resident_id)
    home = queries.household(who, found.household_id)
    return _reveal(who, found, home, queries.kin([resident_id]))


def _reveal(who: Actor, found: Resident, home: Household, kin: Any) -> Answer:
    form, value = forms.RevealForm(), None
    field = form.field.data if form.field.data in ("phone", "national_id") else "phone"
    if form.validate():
        try:
            value = models.reveal(who, found, field, form.why.data or form.reason.data or "", home.id)
            models.looked(who, home.id, f"reveal_{field}", (form.why.data or form.reason.data)[:200])
        except Refusal as refusal:
            blame(form, refusal)
    if form.errors:
        return page.render("people/resident.html", status=422, reveal=form, **_shown(who, found, home, kin))
    phones = found.phones if field == "phone" else ()
    return page.render("people/revealed.html", resident=found, field=field, value=value, phones=phones)


# --- the portrait --------------------


@bp.get("/residents/<uuid:resident_id>/portrait.jpg")
@allow("people.portrait")
def portrait(resident_id: uuid.UUID) -> Answer:
    """The portrait, to those who may enter or are in charge."""
    found = queries.resident(me(), resident_id)
    if not found.portrait or not files.path(found.portrait).exists():
        abort(404)
    response = send_file(files.path(found.portrait), mimetype="image/jpeg", max_age=0)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.route("/residents/<uuid:resident_id>/portrait", methods=["GET", "POST"])
@allow("people.edit")
def new_portrait(resident_id: uuid.UUID) -> Answer:
    """Take the one portrait in, by consent."""
    form = forms.PortraitForm()
    # Pillow takes its time: the picture is read before the first query takes the write lock
    sha256 = _picture(form) if form.is_submitted() and form.validate() else None
    found = queries.resident(me(), resident_id)
    back = url_for("people.resident", resident_id=resident_id)
    if sha256:
        models.show_face(found, sha256, clock.today())
        return page.go(back, _("存好了"))
    return form_page(form, title=_l("老人的照片"), sub=found.name, back=back, template="people/portrait.html", resident=found)


def _picture(form: forms.PortraitForm) -> str | None:
    try:
        uploads = [each for each in form.photo.data or () if getattr(each, "filename", "")]
        if not uploads:
            raise Refusal("no_photo", "请选一张照片", field="photo")
        return files.take(uploads[0].read(files.BYTES + 1))
    except Refusal as refusal:
        refusal.facts.setdefault("field", "photo")
        blame(form, refusal)
        return None


@bp.post("/residents/<uuid:resident_id>/portrait/drop")
@allow("people.edit")
def drop_portrait(resident_id: uuid.UUID) -> Answer:
    """The resident no longer wants the portrait shown."""
    models.show_face(queries.resident(me(), resident_id), None, None)
    return page.go(url_for("people.resident", resident_id=resident_id), _("去掉了"))


# --- kin --------------------


@bp.route("/residents/<uuid:resident_id>/kin", methods=["GET", "POST"])
@allow("people.edit")
def new_kin(resident_id: uuid.UUID) -> Answer:
    """A relative, with what the resident agreed to show."""
    who, form = me(), forms.KinForm()
    found = queries.resident(who, resident_id)

    def relate() -> None:
        person = models.welcome(form.name.data)
        person.set_phones(form.phone.data)
        kin = models.relate(found, person, form.relation.data)
        if form.scopes.data:
            models.consent(kin, found.household_id, set(form.scopes.data), form.how.data, who.account_id)

    back = url_for("people.resident", resident_id=resident_id)
    if taken(form, relate):
        return page.go(back, _("存好了"))
    return form_page(form, title=_l("添一位家属"), sub=found.name, back=back)


@bp.route("/kin/<uuid:kin_id>", methods=["GET", "POST"])
@allow("people.edit")
def consent(kin_id: uuid.UUID) -> Answer:
    """What a relative may see: each scope, who took it down and how."""
    who = me()
    kin = queries.one(who, Kin, kin_id, joinedload(Kin.person), joinedload(Kin.resident), joinedload(Kin.consents))
    home = kin.resident.household_id
    form = forms.ConsentForm(data={"scopes": sorted(kin.scopes)})
    back = url_for("people.resident", resident_id=kin.resident_id)
    if taken(form, lambda: models.consent(kin, home, set(form.scopes.data), form.how.data, who.account_id)):
        return page.go(back, _("存好了"))
    takers = queries.names([each.by_id for each in kin.consents])
    return form_page(form, "people/kin.html", kin=kin, back=back, words=_WORDS, takers=takers)


@bp.post("/kin/<uuid:kin_id>/end")
@allow("people.edit")
def end_kin(kin_id: uuid.UUID) -> Answer:
    """No longer kin for us."""
    kin = queries.one(me(), Kin, kin_id, joinedload(Kin.resident))
    models.part(kin, kin.resident.household_id)
    return page.go(url_for("people.resident", resident_id=kin.resident_id), _("去掉了"))
