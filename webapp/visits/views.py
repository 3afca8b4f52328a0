"""Pages of visits."""

from __future__ import annotations

from flask import Blueprint

from webapp.visits import forms, recording
from webapp.web.intake import Kept

bp = Blueprint("visits", __name__)
KEPT = [
    Kept(forms.ArriveForm, recording.arrive),
    Kept(forms.SeenForm, recording.see),
    Kept(forms.ServicesForm, recording.serve),
    Kept(forms.LeaveForm, recording.leave),
    Kept(forms.VoidForm, recording.void),
    Kept(forms.NobodyForm, recording.nobody),
]
