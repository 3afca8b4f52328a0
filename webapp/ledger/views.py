"""Pages of ledger."""

from __future__ import annotations

from flask import Blueprint

from webapp.ledger import forms, models
from webapp.web.intake import Kept

bp = Blueprint("ledger", __name__)

KEPT = [
    Kept(forms.SpendForm, models.spend),
    Kept(forms.ReceiveForm, models.receive),
    Kept(forms.ReverseForm, models.reverse),
    Kept(forms.ReceiptForm, models.bring_receipt),
    Kept(forms.NoneTodayForm, models.none_today),
]
