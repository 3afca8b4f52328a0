"""Issuing, revoking and finding cards."""

from webapp.cards import models as cards
from webapp.cards import queries
from webapp.cards.models import CardKind
from webapp.store import db


def test_a_card_is_found_by_its_token_its_address_and_its_number(app, world):
    with db.transaction():
        card = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰"))
        token, number, key = card.token, card.number, card.id
    assert token
    assert queries.by_token(token).id == key
    assert queries.by_token(f"https://example.org/c/{token.lower()}").id == key
    assert queries.by_number(f"{number[:3]} {number[3:]}").id == key
    assert queries.by_token("x" * 26) is None
    assert queries.by_number("1234567") is None or queries.by_number("1234567").id != key


def test_a_new_card_raises_the_generation_and_leaves_the_others_live(app, world):
    with db.transaction():
        first = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰"))
        spare = cards.issue(CardKind.SHOE, resident=world.resident("李秀兰"))
        second = cards.reissue(first, world.account("zhou").id, "丢了")
        assert (first.live, spare.live, second.live) == (False, True, True)
        assert second.generation == 2
        assert first.token is None


def test_a_handed_over_card_cannot_be_printed_again(app, world):
    with db.transaction():
        card = cards.issue(CardKind.RESIDENT, resident=world.resident("李秀兰"))
        card.hand_over()
        assert card.token is None
