"""Pages of logs."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("logs", __name__)
