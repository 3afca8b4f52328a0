"""Node runs the pure parts; the vectors and the worked example of docs/protocol.md are read by the server's side too."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.js.stub import verifies
from webapp.kit.canonical import NotCanonical, canonical, envelope_digest, poisoned

HERE = pathlib.Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((HERE.parent / "vectors.json").read_text("utf-8"))
PROTOCOL = (HERE.parents[1] / "docs" / "protocol.md").read_text("utf-8")


def node(*args: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("node")
    assert program, "These checks need node (apt-get install nodejs)."
    return subprocess.run([program, *args], cwd=HERE, capture_output=True, text=True, timeout=120)


def test_the_pure_parts_of_the_phone_hold_in_node() -> None:
    done = node("--test", str(HERE))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    ran = re.search(r"^# pass (\d+)", done.stdout, re.M)
    assert ran and int(ran[1]) > 40, "node found no tests to run"


def test_the_vectors_are_what_their_script_writes() -> None:
    assert node("make_vectors.mjs", "--check").returncode == 0, "run node tests/js/make_vectors.mjs"


@pytest.mark.parametrize("case", VECTORS["cases"] + VECTORS["poison"], ids=lambda c: c["name"])
def test_the_server_spells_alike(case: dict[str, str]) -> None:
    text = canonical(json.loads(case["json"]))
    assert text.decode() == case["canonical"]
    assert hashlib.sha256(text).hexdigest() == case["sha256"]


@pytest.mark.parametrize("case", VECTORS["poison"], ids=lambda c: c["name"])
def test_the_server_knows_poison(case: dict[str, str]) -> None:
    assert poisoned(json.loads(case["json"]))


@pytest.mark.parametrize("case", [r for r in VECTORS["refusals"] if r["by"] != "phone"], ids=lambda c: c["name"])
def test_the_server_refuses_alike(case: dict[str, str]) -> None:
    with pytest.raises(NotCanonical):
        canonical(json.loads(case["json"]))


def test_the_signed_example_verifies_and_an_altered_one_does_not() -> None:
    envelope, jwk = VECTORS["signed"]["envelope"], VECTORS["signed"]["jwk"]
    assert verifies(jwk, envelope)
    assert not verifies(jwk, {**envelope, "dseq": envelope["dseq"] + 1})
    other = envelope["sig"][::-1]
    assert not verifies(jwk, {**envelope, "sig": other})


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PROTOCOL, re.S)


def test_the_worked_example_in_the_protocol_is_true() -> None:
    jwk, envelope, receipt = (json.loads(block) for block in blocks("json")[:3])
    (spelled,) = blocks("text")[:1]
    rest = {k: v for k, v in envelope.items() if k not in ("hash", "sig")}
    assert canonical(rest).decode() == spelled.strip() == VECTORS["signed"]["canonical"]
    assert envelope_digest(envelope).hex() == envelope["hash"]
    assert verifies(jwk, envelope)
    assert (receipt["id"], receipt["hash"]) == (envelope["id"], envelope["hash"])
    assert envelope == VECTORS["signed"]["envelope"] and jwk == VECTORS["signed"]["jwk"]


def test_the_lines_of_python_in_the_protocol_run_and_bite() -> None:
    envelope, jwk = VECTORS["signed"]["envelope"], VECTORS["signed"]["jwk"]
    (lines,) = blocks("python")
    exec(lines, {"envelope": dict(envelope), "jwk": jwk})
    with pytest.raises(AssertionError):
        exec(lines, {"envelope": {**envelope, "dseq": 8}, "jwk": jwk})
