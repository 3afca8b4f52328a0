"""Pages of logs."""

from __future__ import annotations

from flask import Blueprint

from webapp.logs import forms, models
from webapp.web.intake import Kept

bp = Blueprint("logs", __name__)

KEPT = [Kept(forms.WriteForm, models.write)]
