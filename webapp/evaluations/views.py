"""Pages of evaluations."""

from __future__ import annotations

from flask import Blueprint

from webapp.evaluations import gather

bp = Blueprint("evaluations", __name__)
assert gather
