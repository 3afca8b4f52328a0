"""What may be typed on today's pages: a scanned token or number, a stranger's word."""

from __future__ import annotations

from webapp.kit.words import _l
from webapp.web.forms import KeyField, NumberField, PlainForm, TextField, between, optional


class ScanForm(PlainForm):
    """A token the camera read, or the seven digits typed."""

    token = TextField(most=200)
    number = TextField(_l("卡上的7位号码"), most=40)


class SightingForm(PlainForm):
    """A stranger with the bearer of a card: where, and how to ring back. Both may be left out."""

    class Meta:
        csrf = False

    words = TextField(_l("在哪里？比如路名、店名"), most=300)
    phone = TextField(_l("您的电话"), most=30)
    lat_e6 = NumberField(validators=[optional(), between(-90_000_000, 90_000_000)])
    lon_e6 = NumberField(validators=[optional(), between(-180_000_000, 180_000_000)])


class TakeUpForm(PlainForm):
    """Somebody of the station sees to a sighting."""

    sighting = KeyField()
