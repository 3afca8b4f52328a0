"""Sealed fields, blind indexes, signed words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from webapp.kit.refusal import Refusal
from webapp.store import secrets
from webapp.store.secrets import Keyring

AT = datetime(2026, 3, 1, 8, 30, 0, 250_000, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def ring():
    """An app with nothing but a keyring."""
    app = Flask(__name__)
    secrets.init_app(app, (OLD,))
    with app.app_context():
        yield app


def test_what_is_sealed_opens_in_its_place_and_nowhere_else(ring) -> None:
    sealed = secrets.seal("210204194405060024", "resident.national_id:1")
    assert b"2102" not in sealed
    assert secrets.unseal(sealed, "resident.national_id:1") == "210204194405060024"
    for where in ("resident.national_id:2", "resident.phone:1", ""):
        with pytest.raises(Refusal) as refusal:
            secrets.unseal(sealed, where)
        assert refusal.value.code == "sealed"


@pytest.mark.parametrize("at", [0, 5, 12, 20, -1])
def test_an_altered_seal_does_not_open(ring, at) -> None:
    sealed = bytearray(secrets.seal("words", "a.b:1"))
    sealed[at] ^= 1
    with pytest.raises(Refusal):
        secrets.unseal(bytes(sealed), "a.b:1")


def test_equal_words_seal_differently_and_blind_alike(ring) -> None:
    assert secrets.seal("x", "a.b:1") != secrets.seal("x", "a.b:1")
    assert secrets.blind("13900001111", "phone") == secrets.blind("13900001111", "phone")
    assert secrets.blind("13900001111", "phone") != secrets.blind("13900001111", "national_id")
    assert len(secrets.blind("x", "phone")) == 16


def test_a_new_key_opens_the_old_and_finds_the_old(ring) -> None:
    sealed, index, signature = secrets.seal("x", "a.b:1"), secrets.blind("x", "phone"), secrets.sign("t", "p")
    secrets.init_app(ring, (NEW, OLD))
    assert secrets.unseal(sealed, "a.b:1") == "x"
    assert secrets.blind("x", "phone") == index
    assert not secrets.signed("t", signature, "p")  # what is signed lives hours, not years
    fresh = secrets.seal("x", "a.b:1")
    secrets.init_app(ring, (OLD,))
    with pytest.raises(Refusal):
        secrets.unseal(fresh, "a.b:1")


def test_each_purpose_has_a_key_of_its_own() -> None:
    ring = Keyring((OLD,))
    assert len({ring.blind, ring.sign, ring.number, OLD}) == 4


def test_a_signature_holds_for_its_words_and_purpose(ring) -> None:
    made = secrets.sign("text", "kept")
    assert secrets.signed("text", made, "kept")
    for text, signature, purpose in (
        ("texT", made, "kept"),
        ("text", made[:-1], "kept"),
        ("text", made, "x"),
        ("text", "锁\ud800", "kept"),
    ):
        assert not secrets.signed(text, signature, purpose)


def test_a_beacon_brings_its_time_back(ring) -> None:
    assert secrets.beacon_time(secrets.beacon(AT)) == AT


@pytest.mark.parametrize("text", [None, "", ".", "1.2", "abc", "９９.x", "9" * 20 + ".x", "-5.x", "1e3.x", "\x00.\x00"])
def test_a_beacon_of_others_brings_nothing(ring, text) -> None:
    assert secrets.beacon_time(text) is None
    own = secrets.beacon(AT)
    assert secrets.beacon_time("9" + own[1:]) is None
