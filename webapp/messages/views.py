"""Pages of messages: what was cleared, how a notice climbed, writing to one person, announcements and who has read them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from webapp.kit import clock
from webapp.kit.words import _
from webapp.messages import announcing, calling, ladder, models, pushing, queries, words
from webapp.messages.forms import AnnouncementForm, NoticeForm
from webapp.people import queries as people
from webapp.people.models import Place
from webapp.store import db
from webapp.web import page
from webapp.web.guard import allow, me

bp = Blueprint("messages", __name__)
PAGE = 30

bp.add_app_template_global(queries.address, "task_address")
bp.add_app_template_filter(words.title, "task_word")


@bp.app_template_global()
def push_key() -> str:
    """What a browser must know to be told; empty where nothing is pushed."""
    return pushing.public_key(ladder.chosen())


@bp.post("/me/push")
@allow("people.self")
def push() -> ResponseReturnValue:
    """This browser wants to be told of what is urgent, or no longer: `endpoint` is its push address."""
    who: Any = me()
    endpoint = request.form.get("endpoint", "")
    if request.form.get("on") == "1":
        pushing.keep(ladder.chosen(), who.account_id, who.sign_in_id, endpoint)
    else:
        pushing.drop(who.account_id, endpoint)
    return "", 204


# -- tasks --


@bp.get("/tasks")
@allow("messages.settle")
def tasks() -> ResponseReturnValue:
    """What was cleared, by whom and how, newest first."""
    rows = queries.cleared(me(), page.place_in(request.args.get("before")), PAGE + 1)
    more = rows[PAGE - 1].task if len(rows) > PAGE else None
    onward = more and url_for("messages.tasks", before=page.place_of(_at(more.cleared_at), more.id))
    calls = calling.calls_about([row.task.key for row in rows[:PAGE] if row.task.how == "called"])
    return page.render("messages/tasks.html", rows=rows[:PAGE], onward=onward, calls=calls, words=words)


def _at(at: datetime | None) -> datetime:
    return at or clock.now()


@bp.post("/tasks/<uuid:task_id>/clear")
@allow("messages.see")
def clear(task_id: uuid.UUID) -> ResponseReturnValue:
    """One tap: done, or rung."""
    who = me()
    how = request.form.get("how", "done")
    queries.task(who, task_id).clear(who.account_id, how if how in ("done", "called") else "done")
    return page.go(url_for("today.index"), _("记下了"))


# -- notices --


@bp.get("/notices/<uuid:notice_id>")
@allow("messages.see")
def notice(notice_id: uuid.UUID) -> ResponseReturnValue:
    """How a notice went: every rung, every message, who saw it."""
    way = queries.way(me(), notice_id)
    duty = ladder.numbers(db.session().get_one(Place, way.notice.place_id)) if way.notice.waits else []
    return page.render("messages/notice.html", way=way, duty=duty, words=words)


@bp.post("/notices/<uuid:notice_id>/see")
@allow("messages.see")
def see(notice_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody taps to look: it is seen, and they go where it leads."""
    who = me()
    found = queries.notice(who, notice_id)
    found.see(who.account_id)
    return page.go(queries.address(found.endpoint, found.args) or url_for("messages.notice", notice_id=notice_id))


@bp.post("/notices/<uuid:notice_id>/acknowledge")
@allow("messages.see")
def acknowledge(notice_id: uuid.UUID) -> ResponseReturnValue:
    """知道了."""
    who = me()
    queries.notice(who, notice_id).acknowledge(who.account_id)
    return page.go(url_for("today.index"), _("记下了"))


@bp.route("/people/<uuid:person_id>/notice", methods=["GET", "POST"])
@allow("messages.settle")
def write(person_id: uuid.UUID) -> ResponseReturnValue:
    """A few words to one person, whoever of them sees it first."""
    who, form = me(), NoticeForm()
    account, person = queries.account_of(who, person_id)
    if request.method == "GET" or not form.validate():
        status = 200 if request.method == "GET" else 422
        return page.render("messages/write.html", status=status, form=form, person=person)
    place = person.station_id or who.place_id
    key = f"office:{account.id}:{form.kind.data}"
    models.notify(form.kind.data, place, key, to=account.id, level=form.level.data, by=who.account_id)  # type: ignore[arg-type]
    return page.go(url_for("people.person", person_id=person_id), _("发了。没看到的话，会告诉您打电话"))


# -- announcements --


@bp.route("/announcements", methods=["GET", "POST"])
@allow("messages.announce")
def announcements() -> ResponseReturnValue:
    """What was announced with how many have read it, and a new one."""
    who, form = me(), AnnouncementForm()
    places = people.places(who)
    form.place.choices = [(str(each.id), each.name) for each in places]
    if request.method == "POST" and form.validate():
        place = next(each for each in places if str(each.id) == form.place.data)
        made = announcing.announce(
            place, form.audience.data, form.title.data, form.words.data, who.account_id, must=form.must.data
        )
        return page.go(url_for("messages.announcement", announcement_id=made.id), _("发出去了"))
    if request.method == "GET":
        form.place.data, form.audience.data = str(who.place_id), announcing.CAREGIVERS
    rows = queries.posted(who, _before(), PAGE + 1)
    onward = url_for("messages.announcements", before=clock.to_wire(rows[PAGE - 1].row.made_at)) if len(rows) > PAGE else None
    status = 200 if request.method == "GET" else 422
    return page.render("messages/announcements.html", status=status, form=form, rows=rows[:PAGE], onward=onward)


def _before() -> datetime | None:
    try:
        return clock.from_wire(request.args.get("before", ""))
    except ValueError:
        return None


@bp.get("/announcements/<uuid:announcement_id>")
@allow("messages.announce")
def announcement(announcement_id: uuid.UUID) -> ResponseReturnValue:
    """Who has read it and who has not."""
    row, place = queries.announcement(me(), announcement_id)
    readers = queries.readers(row)
    return page.render("messages/announcement.html", row=row, place=place, readers=readers)


@bp.post("/announcements/<uuid:announcement_id>/withdraw")
@allow("messages.announce")
def withdraw(announcement_id: uuid.UUID) -> ResponseReturnValue:
    """Nobody needs to read it any more."""
    queries.announcement(me(), announcement_id)[0].withdraw()
    return page.go(url_for("messages.announcements"), _("收回来了"))


@bp.post("/announcements/<uuid:told_id>/read")
@allow("messages.see")
def read(told_id: uuid.UUID) -> ResponseReturnValue:
    """我看过了."""
    who = me()
    announcing.read(queries.addressed(who, told_id), who.account_id)
    return page.go(url_for("today.index"), _("记下了"))
