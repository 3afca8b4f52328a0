"""The doors of the inbox: envelopes from phones, photo pieces, and the same forms posted without our scripts."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from webapp.kit import clock, ids
from webapp.kit.refusal import Busy, Refusal
from webapp.kit.words import _
from webapp.store import copies, files, inbox
from webapp.store import envelope as envelopes
from webapp.store.acts import Told
from webapp.store.inbox import Kind, Receipt
from webapp.web import forms, kept
from webapp.web.forms import KeptForm, PhotoField
from webapp.web.guard import actor, csrf, me, open_door

bp = Blueprint("inbox", __name__)
csrf.exempt(bp)
LARGEST = 256 * 1024
PIECE = 512 * 1024
MOST_S = 2**31 - 1
MANY = 20
"""Envelopes taken in one request."""


@dataclass(frozen=True)
class Kept:
    """A kept form and the verb that applies it: `verb(act, **values) -> sentence or None`."""

    form: type[KeptForm]
    verb: Callable[..., str | None]

    def kind(self) -> Kind:
        """As the inbox sees it."""
        keep, verb = self.form.keep, self.verb
        return Kind(
            name=keep.kind,
            schema=keep.schema,
            read=forms.read(self.form),
            apply=lambda act, values: verb(act, **values),
            body=forms.body_schema(self.form),
            lift=keep.lift,
            waits=keep.waits,
        )


def init_app(app: Flask, known: list[Kept], find_key: inbox.FindKey, hear: inbox.Hear) -> None:
    """Open the doors of `app` for its kept forms. `hear`: who writes down what a device tells of itself."""
    with app.test_request_context():
        inbox.init_app(app, [each.kind() for each in known], find_key, hear)
    app.extensions["kept_forms"] = {each.form.keep.kind: each.form for each in known}
    kept.init_app(app)
    app.register_blueprint(bp)


def form_of(kind: str) -> type[KeptForm] | None:
    """The form that records of `kind` are read with; None for a kind this server does not know."""
    known: dict[str, type[KeptForm]] = current_app.extensions["kept_forms"]
    return known.get(kind)


def told() -> Told:
    """What the phone tells of itself: records it still holds (`X-Unsent`, 0 to 99999), its clock as it sends (`X-Sent-At`)."""
    unsent, sent = (request.headers.get(name, "") for name in ("X-Unsent", "X-Sent-At"))
    held = int(unsent) if unsent.isascii() and unsent.isdigit() and len(unsent) <= 5 else None
    try:
        off_s = int((clock.now() - clock.from_wire(sent)).total_seconds())
    except (ValueError, OverflowError):
        return Told(held)
    return Told(held, max(min(off_s, MOST_S), -MOST_S))


@bp.post("/inbox")
@open_door
def post() -> ResponseReturnValue:
    """One envelope. 200/201 with a receipt for all four states; the signature, not the cookie, is the permission."""
    data = request.get_data(cache=False) if (request.content_length or 0) <= LARGEST else b""
    if not 0 < len(data) <= LARGEST:
        return jsonify(say="too large" if request.content_length else "empty"), 413 if request.content_length else 400
    said, status = _one(data, told())
    return jsonify(said), status


@bp.post("/inbox/many")
@open_door
def post_many() -> ResponseReturnValue:
    """Several envelopes of one phone in one request, `{"envelopes": [...]}`: a slow line pays its delay once.

    Each is taken by itself, as if it had come alone: `{"answers": [{"status", ...}]}` in the same order, as far as it came.
    """
    data = request.get_data(cache=False) if (request.content_length or 0) <= LARGEST else b""
    try:
        parts = [json.dumps(each).encode() for each in json.loads(data)["envelopes"][:MANY]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return jsonify(say="no list of envelopes"), 413 if not data and request.content_length else 400
    answers: list[dict[str, Any]] = []
    beside = told()
    for part in parts:
        try:
            said, status = _one(part, beside)
        except Busy:
            break  # the phone offers the rest again
        answers.append({"status": status, **said})
    return jsonify(answers=answers), 200


@bp.post("/inbox/unseal")
@open_door
def unseal() -> ResponseReturnValue:
    """The key of a phone's sealed copies: for its signature, and only after a restore. 403 otherwise."""
    given = request.get_json(silent=True) if (request.content_length or 0) <= PIECE else None
    given = given if isinstance(given, dict) else {}
    device, wrapped, sig = (str(given.get(name) or "") for name in ("device", "wrapped", "sig"))
    try:
        signed = {"device": str(ids.parse(device) or ""), "sig": sig, "hash": hashlib.sha256(wrapped.encode()).hexdigest()}
        inbox.authorise(signed)
        key = copies.reopened(wrapped, uuid.UUID(device))
    except (inbox.UnknownDevice, Refusal, ValueError):
        key = None
    return (jsonify(key=key), 200) if key else (jsonify(say=_("现在不用打开")), 403)


def _one(data: bytes, beside: Told) -> tuple[dict[str, Any], int]:
    try:
        envelope = envelopes.parse(data)
        device = inbox.authorise(envelope)
    except envelopes.Unreadable as error:
        return {"say": str(error)}, 400
    except inbox.UnknownDevice:
        return {"say": str(_("这部手机还没开通，请找站长"))}, 403
    who = actor()
    receipt = inbox.receive(envelope, device, who.account_id if who else None, beside)
    return receipt.wire(_), 201 if receipt.new else 200


@bp.get("/inbox/kinds")
@open_door
def kinds() -> Response:
    """Every kind with its schema version and the JSON Schema of its body."""
    return jsonify({name: {"schema": kind.schema, "body": kind.body} for name, kind in sorted(inbox.registry().kinds.items())})


@bp.route("/inbox/photos/<sha256>", methods=["HEAD", "PUT"])
@open_door
def photo(sha256: str) -> Response:
    """A piece of a photo that a stored envelope names (`Upload-Offset`); HEAD and PUT answer how far it has come."""
    row = files.find(sha256)
    if row is None:
        return Response("", 404)
    if request.method == "HEAD":
        return Response("", 200, {"Upload-Offset": str(files.arrived(row)), "Upload-Length": str(row.size)})
    at = request.headers.get("Upload-Offset", "0")
    if not at.isascii() or not at.isdigit() or (request.content_length or 0) > PIECE:
        return Response("", 413 if at.isdigit() else 400, {"Upload-Offset": str(files.arrived(row))})
    piece = request.get_data(cache=False)
    try:
        here = files.add_piece(row, int(at), piece)
    except OSError as error:  # no room, or no disk
        raise Busy("busy", "人太多，请等一下再试") from error
    return Response("", 204, {"Upload-Offset": str(here), "Upload-Length": str(row.size)})


@bp.get("/openapi.json")
@open_door
def openapi() -> Response:
    """The inbox for other clients."""
    envelope = {
        "type": "object",
        "required": sorted(envelopes.MEMBERS),
        "additionalProperties": False,
        "properties": {name: {"type": _json_types(types)} for name, types in envelopes.MEMBERS.items()},
    }
    receipt = {"description": "receipt", "content": {"application/json": {"schema": {"type": "object"}}}}
    said = {"description": "plain sentence", "content": {"application/json": {"schema": {"type": "object"}}}}
    return jsonify(
        {
            "openapi": "3.1.0",
            "info": {"title": "Nuanchao inbox", "version": "1"},
            "paths": {
                "/inbox": {
                    "post": {
                        "requestBody": {"required": True, "content": {"application/json": {"schema": envelope}}},
                        "responses": {
                            "200": receipt,
                            "201": receipt,
                            "400": said,
                            "403": said,
                            "413": said,
                            "429": said,
                            "503": said,
                        },
                    }
                },
                "/inbox/kinds": {"get": {"responses": {"200": {"description": "kinds and the schemas of their bodies"}}}},
            },
        }
    )


def _json_types(types: tuple[type, ...]) -> list[str]:
    words = {int: "integer", str: "string", dict: "object", list: "array", type(None): "null"}
    return [words[each] for each in types]


def receive(form: KeptForm) -> Receipt:
    """Keep a valid form posted without our scripts. A double tap carries the same signed id, so it is one record."""
    who = me()
    key, made_at = kept.marked(form.keep.kind)
    photos: list[dict[str, Any]] = []
    body: dict[str, Any] = {}
    for each in form:
        if isinstance(each, PhotoField):
            photos += _take(each.name, each.most)
        elif (value := _plain(each.data)) is not None:
            body[each.name] = value
    envelope = inbox.plain(form.keep.kind, body, photos, author=who.account_id, key=key, made_at=made_at)
    return inbox.receive(envelope, None, who.account_id)


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID | date):
        return str(value)
    return None if value in ("", None) else value


def _take(name: str, most: int) -> list[dict[str, Any]]:
    taken = []
    for upload in [each for each in request.files.getlist(name) if each.filename][:most]:
        data = upload.read(files.BYTES + 1)
        sha256 = files.take(data)
        taken.append({"field": name, "sha256": sha256, "size": len(data), "type": "image/jpeg"})
    return taken
