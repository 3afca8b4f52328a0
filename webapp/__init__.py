"""Nuanchao 暖巢. create_app() is the only place that knows every feature: settings, store, web, then the street."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import ModuleType

import structlog
from click import Command, Group
from flask import Flask

from webapp import asleep, calculators, cli  # noqa: F401  # asleep first: what may wait does
from webapp.applications import views as applications
from webapp.cards import views as cards
from webapp.deliveries import views as deliveries
from webapp.endings import departing
from webapp.endings import views as endings
from webapp.evaluations import paper, ruling, sheet  # noqa: F401  # pages of evaluations' own
from webapp.evaluations import views as evaluations
from webapp.family import books as kinbook
from webapp.family import own
from webapp.family import views as family
from webapp.health import views as health
from webapp.inspections import views as inspections
from webapp.kit import clock, settings
from webapp.kit.settings import Settings
from webapp.ledger import books, checks
from webapp.ledger import views as ledger
from webapp.logs import views as logs
from webapp.logs import watching as _diaries  # noqa: F401  # its nightly look
from webapp.messages import views as messages
from webapp.outings import views as outings
from webapp.people import doors, keys
from webapp.people import views as people
from webapp.requests import views as requests
from webapp.reviews import views as reviews
from webapp.roster import away, hanging  # noqa: F401  # hanging adds pages to roster's own
from webapp.roster import views as roster
from webapp.sample import commands as sample
from webapp.selfscores import views as selfscores
from webapp.store import audit, db, files, secrets
from webapp.today import carrying, doing, faces, found, packet, proof, rescue  # noqa: F401  # carrying has jobs only
from webapp.today import views as today
from webapp.training import views as training
from webapp.visits import desk, placing, record, review, watching  # noqa: F401  # with their nightly looks
from webapp.visits import views as visits
from webapp.voices import views as voices
from webapp.web import assets, errors, frame, guard, headers, intake, language, live, pulse, pwa, routes, templates
from webapp.welfare import views as welfare

FEATURES: tuple[ModuleType, ...] = (
    doors, people, deliveries, messages, cards, roster, away, visits, desk, record, review, outings, welfare, logs, ledger,
    books, checks, health, requests, voices, training, inspections, endings, departing, evaluations, reviews, selfscores,
    applications, family, kinbook, own, faces, found, rescue, packet, proof, doing, today, calculators,
)  # fmt: skip
"""In street order. Each has `bp`; one that records at the bedside has `KEPT`; one with commands has `COMMANDS`."""
ROOT = Path(__file__).parents[1]


def create_app(given: Settings | None = None) -> Flask:
    """The application. `given`: settings instead of the environment's (tests)."""
    chosen = given or settings.read()
    app = Flask("webapp", root_path=str(ROOT), static_folder=None, template_folder=str(ROOT / "templates"))
    app.static_folder = str(ROOT / "static")
    app.jinja_environment = templates.Templates
    app.extensions["settings"] = chosen
    app.config.update(
        SECRET_KEY=chosen.secret_key,
        MAX_CONTENT_LENGTH=40 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        MAX_FORM_PARTS=200,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.public_url.startswith("https"),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_I18N_ENABLED=False,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    clock.set_zone(chosen.time_zone)
    _log()

    routes.init_app(app)
    headers.init_app(app)
    database = db.init_app(app, chosen.database_url)
    database.before_commit.append(audit.seal)
    secrets.init_app(app, chosen.field_keys)
    files.init_app(app, chosen.data_dir)
    errors.init_app(app)
    language.init_app(app)
    guard.init_app(app)
    assets.init_app(app, chosen.data_dir / "made")
    templates.init_app(app, chosen.data_dir / "made", language.MADE)
    live.init_app(app, chosen.streams)
    pulse.init_app(app)
    pwa.init_app(app)
    frame.init_app(app)
    for feature in FEATURES:
        app.register_blueprint(feature.bp)
        for command in getattr(feature, "COMMANDS", ()):
            _add(app, command)
    for command in sample.COMMANDS:
        app.cli.add_command(command)
    intake.init_app(app, [kept for feature in FEATURES for kept in getattr(feature, "KEPT", ())], keys.find_key, keys.hear)
    cli.init_app(app)
    return app


def _add(app: Flask, command: Command) -> None:
    """A feature's command; groups of one name (export) that several features bring become one."""
    held = app.cli.commands.get(command.name or "")
    if isinstance(held, Group) and isinstance(command, Group):
        for each in command.commands.values():
            held.add_command(each)
    else:
        app.cli.add_command(command)


def _log() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
