"""Pages of a resident: facts, masked numbers, alerts, the portrait, kin and what they may see."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app, url_for
from flask.wrappers import Response
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import MASKED, Actor
from webapp.kit import clock
from webapp.kit.refusal import Refusal
from webapp.kit.words import _, _l
from webapp.people import forms, models, queries, rules
from webapp.people.desk import WORDS, age, blame, born, bp, doors, form_page, fresh, look, stale_page, taken
from webapp.people.models import Alert, Household, Kin, Resident
from webapp.store import files
from webapp.web import page
from webapp.web.guard import allow, me

Answer = Response | AnyResponse


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
        "age": age(found),
        "born": born(found),
        "words": WORDS,
        "invites": "doors.invite" in current_app.view_functions,
        "own": doors(("own.show", "type", _l("老人自己看的大字页"), {"resident_id": found.id})),
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
    return page.photo(queries.resident(me(), resident_id).portrait, keep="private, no-cache")


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
    return form_page(form, "people/kin.html", kin=kin, back=back, words=WORDS, takers=takers)


@bp.post("/kin/<uuid:kin_id>/end")
@allow("people.edit")
def end_kin(kin_id: uuid.UUID) -> Answer:
    """No longer kin for us."""
    kin = queries.one(me(), Kin, kin_id, joinedload(Kin.resident))
    models.part(kin, kin.resident.household_id)
    return page.go(url_for("people.resident", resident_id=kin.resident_id), _("去掉了"))
