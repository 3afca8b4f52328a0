"""Which way out an installation has."""

from __future__ import annotations

import pytest

from webapp.kit import settings


@pytest.mark.parametrize(
    ("env", "way"),
    [
        ({}, "none"),
        ({"OUTGOING": "sms"}, "none"),
        ({"OUTGOING": "sms", "OUTGOING_URL": "ftp://x"}, "none"),
        ({"OUTGOING": "robot", "OUTGOING_URL": "https://robot.example/send"}, "robot"),
    ],
)
def test_there_is_a_way_out_when_it_is_named_and_leads_somewhere(tmp_path, env, way):
    assert settings.read({"DATA_DIR": str(tmp_path), **env}).outgoing == way


def test_a_way_out_we_do_not_know_is_said_at_the_start(tmp_path):
    with pytest.raises(ValueError, match="none, sms or robot"):
        settings.read({"DATA_DIR": str(tmp_path), "OUTGOING": "pigeon"})
