"""Pages of roster."""

from __future__ import annotations

from flask import Blueprint

from webapp.roster import models, queries

bp = Blueprint("roster", __name__)
__all__ = ["bp", "models", "queries"]
