"""flask export ...: one group that each feature hangs its own sheet on."""

from __future__ import annotations

from flask.cli import AppGroup

export = AppGroup("export", help="Sheets: visits, books, evaluations.")
