"""Ways in: signing in, enrolling a phone, PIN, choosing a grant, my page, devices, outbox."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("doors", __name__)
