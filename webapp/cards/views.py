"""Pages of cards."""

from __future__ import annotations

from flask import Blueprint

from webapp.cards import models, queries  # noqa: F401

bp = Blueprint("cards", __name__)
