"""The rescue file (docs/protocol.md): what a phone could not send, taken in envelope by envelope as by POST /inbox.

The file is read as a stream, one part at a time: 64 MB of it would be many times as much as one value in memory.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import IO, Any

from webapp.kit import clock
from webapp.kit.refusal import Busy
from webapp.kit.words import _
from webapp.store import db, files, inbox
from webapp.store import envelope as envelopes
from webapp.web.intake import LARGEST

FILE = 64 * 1024 * 1024
"""Bytes of a file."""
MOST = 500
"""Envelopes not there yet that one upload takes in; told again, the file goes on from there."""
READ = 5000
CHUNK = 64 * 1024
PART = 12 * 1024 * 1024
"""Bytes of one envelope or photo as text: 8 MB in base64 and some."""
DEEPEST = 40
_OUTSIDE, _IN_STRING = re.compile(rb'["{}\[\]]'), re.compile(rb'["\\]')
_PAIRS = {ord("}"): ord("{"), ord("]"): ord("[")}
_ELEMENT = [ord("{"), ord("["), ord("{")]
RECORDED, KNOWN, ASIDE, UNREADABLE = "recorded", "known", "aside", "unreadable"


class Broken(Exception):
    """This is no such file, or its end is missing."""


def parts(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """(member, text) of each object in the lists of the outermost object. Raises Broken after the last whole one."""
    stack: list[int] = []
    name, taken = b"", None
    string = escaped = False
    first = True
    while chunk := stream.read(CHUNK):
        if first:
            chunk, first = chunk.removeprefix(b"\xef\xbb\xbf").lstrip(), False
            if not chunk.startswith(b"{"):
                raise Broken
        at = start = 0
        while at < len(chunk):
            if escaped:
                at, escaped = at + 1, False
                continue
            found = (_IN_STRING if string else _OUTSIDE).search(chunk, at)
            if found is None:
                break
            at, sign = found.end(), found[0][0]
            if sign == ord("\\"):
                escaped = True
            elif sign == ord('"'):
                string = not string
                if string and len(stack) == 1:
                    taken, start = bytearray(), at
                elif len(stack) == 1 and taken is not None:
                    name, taken = bytes(taken + chunk[start : at - 1]), None
            elif sign in _PAIRS:
                if not stack or stack.pop() != _PAIRS[sign]:
                    raise Broken
                if len(stack) == 2 and taken is not None:
                    yield name.decode("utf-8", "replace"), bytes(taken + chunk[start:at])
                    taken = None
            else:
                stack.append(sign)
                if len(stack) > DEEPEST:
                    raise Broken
                if stack == _ELEMENT:
                    taken, start = bytearray(), at - 1
        if taken is not None:
            taken += chunk[start:]
            if len(taken) > PART:
                raise Broken
    if first or stack or string:
        raise Broken


@dataclass(frozen=True)
class Line:
    """What became of one envelope of the file. `seq`: its receipt number, where it has one."""

    outcome: str
    say: str
    seq: int | None = None
    kind: str = ""
    author: uuid.UUID | None = None
    made_at: datetime | None = None


@dataclass
class Taken:
    """What became of a file."""

    lines: list[Line] = field(default_factory=list)
    photos: int = 0
    """How many came whole, now or before."""
    photos_left: int = 0
    """How many were no picture, damaged, or named by no record."""
    broken: bool = False
    more: bool = False
    busy: bool = False

    def counted(self, outcome: str) -> int:
        """How many envelopes had this outcome."""
        return sum(line.outcome == outcome for line in self.lines)


def take_in(stream: IO[bytes], courier: uuid.UUID) -> Taken:
    """Take in a rescue file. Each envelope and photo is a transaction of its own; told twice it changes nothing."""
    taken = Taken()
    try:
        _envelopes(stream, courier, taken)
        stream.seek(0)
        _photos(stream, taken)
    except Broken:
        taken.broken = True
    except Busy:
        db.undo()
        taken.busy = True
    return taken


def _envelopes(stream: IO[bytes], courier: uuid.UUID, taken: Taken) -> None:
    new = 0
    try:
        for name, text in parts(stream):
            if name != "envelopes":
                continue
            if new == MOST or len(taken.lines) == READ:
                taken.more = True
                return
            line, fresh = _one(text, courier)
            taken.lines.append(line)
            new += fresh
    except Broken:
        taken.broken = True  # what stood before the damage is in; photos may be, too


def _one(text: bytes, courier: uuid.UUID) -> tuple[Line, bool]:
    try:
        if len(text) > LARGEST:
            raise envelopes.Unreadable("too large")
        envelope = envelopes.parse(text)
        device = inbox.authorise(envelope)
    except envelopes.Unreadable:
        return Line(UNREADABLE, _("这条看不懂，文件可能坏了。请在手机上再存一次")), False
    except inbox.UnknownDevice:
        return Line(UNREADABLE, _("这条对不上任何一部开通过的手机，没收")), False
    receipt = inbox.receive(envelope, device, courier)
    db.undo()  # nothing of one record may be seen by the next
    aside = receipt.state in (inbox.QUARANTINED, inbox.CONFLICT)
    outcome = KNOWN if not receipt.new and not aside else ASIDE if aside else RECORDED
    facts = (receipt.seq, envelope["kind"], uuid.UUID(envelope["author"]), clock.from_wire(envelope["made_at"]))
    return Line(outcome, _(receipt.say), *facts), receipt.new


def _photos(stream: IO[bytes], taken: Taken) -> None:
    for name, text in parts(stream):
        if name == "photos":
            if _photo(text):
                taken.photos += 1
            else:
                taken.photos_left += 1


def _photo(text: bytes) -> bool:
    """Put one photo where its pieces would have gone; whether it is there whole."""
    try:
        told: Any = json.loads(text)
        digest, data = str(told["sha256"]), base64.b64decode(str(told["data"]), validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return False
    row = files.find(digest) if re.fullmatch("[0-9a-f]{64}", digest) else None
    if row is None or len(data) != row.size or sha256(data).hexdigest() != digest:
        return False
    if row.done_at is None:
        for _again in range(2):  # what had come before may be damaged: then it begins anew
            here = files.offset(digest)
            if files.add_piece(row, here, data[here:]) == row.size:
                break
    db.settle()
    done = files.find(digest)
    whole = done is not None and done.done_at is not None and done.refused is None
    db.undo()
    return whole
