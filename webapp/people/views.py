"""Pages of people: the list, households, residents, kin and who cares for whom."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request, url_for
from flask.wrappers import Response
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import MASKED
from webapp.kit import clock
from webapp.kit.words import _, _l
from webapp.people import commands, forms, importing, models, queries, residents, rules, staff
from webapp.people.desk import WORDS, age, asked, bp, doors, form_page, fresh, look, stale_page, taken
from webapp.people.models import Contact, Spot
from webapp.store import rulebook
from webapp.web import page
from webapp.web.guard import allow, me

COMMANDS = commands.COMMANDS
ROOMS = (residents, staff, importing)
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
        age=age,
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
        age=age,
        words=WORDS,
        **facts,
    )


def _rooms(key: uuid.UUID) -> list[tuple[str, str, object]]:
    return doors(
        ("roster.plan", "calendar", _l("服务计划"), {"household_id": key}),
        ("away.pauses", "hourglass", _l("停一停"), {"household_id": key}),
        ("outings.home", "footprints", _l("外出"), {"household_id": key}),
        ("welfare.home", "hand-heart", _l("走访"), {"household_id": key}),
        ("visits.history", "history", _l("上门记录"), {"household_id": key}),
        ("ledger.book", "notebook-text", _l("账本"), {"household_id": key}),
        ("applications.home", "file-text", _l("申请补贴"), {"household_id": key}),
        ("cards.household", "id-card", _l("身份卡"), {"household_id": key}),
        ("endings.move", "map-pin", _l("搬到别的站"), {"household_id": key}),
    )


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
