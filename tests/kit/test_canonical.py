"""One spelling for one record: the vectors that phone and server share."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.kit import canonical

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
LEAVES = st.none() | st.booleans() | st.integers(-canonical.BIGGEST, canonical.BIGGEST) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


@named(VECTORS["cases"])
def test_the_spelling_and_hash_of_a_vector(case: dict[str, Any]) -> None:
    value = json.loads(case["json"])
    assert canonical.canonical(value).decode() == case["canonical"]
    assert canonical.digest(value).hex() == case["sha256"]
    assert not canonical.poisoned(value)


@named([case for case in VECTORS["refusals"] if case["by"] in ("both", "server")])
def test_what_cannot_be_spelled_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.canonical(json.loads(case["json"]))


@named(VECTORS["poison"])
def test_poison_is_spelled_and_known_as_poison(case: dict[str, Any]) -> None:
    value = json.loads(case["json"])
    assert canonical.canonical(value).decode() == case["canonical"]
    assert hashlib.sha256(case["canonical"].encode()).hexdigest() == case["sha256"]
    assert canonical.poisoned(value)


def test_the_worked_example_hashes_as_the_protocol_says() -> None:
    signed = VECTORS["signed"]
    bare = {name: value for name, value in signed["envelope"].items() if name not in ("hash", "sig")}
    assert canonical.canonical(bare).decode() == signed["canonical"]
    assert canonical.envelope_digest(signed["envelope"]).hex() == signed["envelope"]["hash"]


@given(VALUES)
def test_a_spelling_reads_back_as_the_same_value_and_spells_the_same(value: Any) -> None:
    spelled = canonical.canonical(value)
    assert json.loads(spelled) == value
    assert canonical.canonical(json.loads(spelled)) == spelled
    assert all(0x20 <= byte <= 0x7E for byte in spelled)


@pytest.mark.parametrize("value", [b"bytes", 1.0, (1, 2), {1: 2}, object(), float("nan")])
def test_python_values_without_a_spelling_are_refused_not_guessed(value: Any) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.canonical({"a": value})


def test_depth_ends_at_thirty_two() -> None:
    deep: Any = 1
    for _level in range(31):
        deep = [deep]
    assert canonical.canonical(deep)
    with pytest.raises(canonical.NotCanonical):
        canonical.canonical([deep])


def test_hash_and_signature_are_left_out_of_the_hash_and_nothing_else_is() -> None:
    envelope = VECTORS["signed"]["envelope"]
    assert canonical.envelope_digest(envelope | {"hash": "x", "sig": None}) == canonical.envelope_digest(envelope)
    for name in set(envelope) - {"hash", "sig"}:
        assert canonical.envelope_digest(envelope | {name: "other"}) != canonical.envelope_digest(envelope), name
