"""Pages of family."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("family", __name__)
