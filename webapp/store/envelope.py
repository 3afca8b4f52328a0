"""The shape of an envelope: what members it has and what must hold before anybody judges it (docs/protocol.md)."""

from __future__ import annotations

import json
from typing import Any

from webapp.kit import canonical, clock, ids
from webapp.store import files

MEMBERS: dict[str, tuple[type, ...]] = {
    "v": (int,),
    "id": (str,),
    "kind": (str,),
    "schema": (int,),
    "app": (str,),
    "author": (str,),
    "device": (str, type(None)),
    "gen": (int, type(None)),
    "dseq": (int, type(None)),
    "chain": (str, type(None)),
    "prev": (str, type(None)),
    "made_at": (str,),
    "mono_ms": (int, type(None)),
    "beacon": (str, type(None)),
    "body": (dict,),
    "photos": (list,),
    "hash": (str,),
    "sig": (str, type(None)),
}


class Unreadable(Exception):
    """No envelope at all: answered 400 with `args[0]`, an English hint for the maker of the client."""


def parse(data: bytes) -> dict[str, Any]:
    """The envelope in `data`, its shape, hash and size checked. Raises Unreadable."""
    try:
        envelope = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not canonical JSON: {error}") from error
    if not isinstance(envelope, dict) or set(envelope) != set(MEMBERS):
        raise Unreadable("members differ from docs/protocol.md")
    for name, types in MEMBERS.items():
        if not isinstance(envelope[name], types) or isinstance(envelope[name], bool):
            raise Unreadable(f"{name}: wrong type")
    for name in ("id", "author", "device", "chain", "prev"):
        if envelope[name] is not None and ids.parse(envelope[name]) is None:
            raise Unreadable(f"{name}: no UUID")
    try:
        clock.from_wire(envelope["made_at"])
    except ValueError as error:
        raise Unreadable("made_at: not RFC 3339 UTC with milliseconds") from error
    if envelope["v"] != 1 or not _photos_fit(envelope["photos"]):
        raise Unreadable("v or photos")
    if len(envelope["kind"]) > 60 or len(envelope["app"]) > 60 or canonical.poisoned(envelope["kind"] + envelope["app"]):
        raise Unreadable("kind or app")
    try:
        digest = canonical.envelope_digest(envelope)
    except ValueError as error:
        raise Unreadable(f"not canonical JSON: {error}") from error
    if digest.hex() != envelope["hash"]:
        raise Unreadable("hash differs from the content")
    return envelope


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _photos_fit(photos: list[Any]) -> bool:
    def fits(photo: Any) -> bool:
        return (
            isinstance(photo, dict)
            and set(photo) == {"field", "sha256", "size", "type"}
            and all(isinstance(photo[k], str) for k in ("field", "sha256", "type"))
            and isinstance(photo["size"], int)
            and 0 < photo["size"] <= files.BYTES
            and len(photo["sha256"]) == 64
            and all(c in "0123456789abcdef" for c in photo["sha256"])
        )

    return len(photos) <= 12 and all(fits(photo) for photo in photos)
