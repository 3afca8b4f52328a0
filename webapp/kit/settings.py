"""Settings: read once from the environment, each with a sentence and a default that works."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

NONE, SMS, ROBOT = "none", "sms", "robot"
"""Ways out of the house."""
PUSH_HOSTS = "fcm.googleapis.com,push.services.mozilla.com,push.apple.com,notify.windows.com"


@dataclass(frozen=True)
class Settings:
    """Everything that may differ from one installation to the next."""

    data_dir: Path
    """DATA_DIR: where database, photos, keys and backups lie. Default `data/` beside wsgi.py."""
    database_url: str
    """DATABASE_URL: SQLAlchemy URL. Default: SQLite in DATA_DIR."""
    secret_key: str
    """SECRET_KEY: signs cookies and form tokens. Default: made once and kept in DATA_DIR/keys."""
    field_keys: tuple[bytes, ...]
    """FIELD_KEYS: comma-separated hex keys (32 bytes) for sealed fields, newest first. Default: made once in DATA_DIR/keys."""
    port: int
    """PORT: where `flask serve` listens. Default 8000."""
    public_url: str
    """PUBLIC_URL: the address printed on cards, e.g. https://nuanchao.example. Default http://127.0.0.1:PORT."""
    time_zone: str
    """TIME_ZONE: the household's day. Default Asia/Shanghai."""
    sample: bool
    """SAMPLE: 1 when the data are made up; every page says 虚构数据. Default: set by `flask sample load`."""

    streams: int = 12
    """STREAMS: open live streams per process, a thread each beside the pages' own. Default 12; serve sets it."""

    worker: bool = True
    """WORKER: off takes the service worker back from all phones at their next contact. Default on."""

    outgoing: str = NONE
    """OUTGOING: what reaches people whose page is not open: none, sms (a gateway) or robot (a group's webhook). Default none."""

    outgoing_url: str = ""
    """OUTGOING_URL: where the gateway or robot takes a POST of JSON. Without it nothing goes out."""

    outgoing_key: str = ""
    """OUTGOING_KEY: sent to it as a bearer token. Default: none is sent."""

    push_contact: str = ""
    """PUSH_CONTACT: whom push services may write to (mailto:... or https://...). Without it nothing is pushed."""

    push_key: str = ""
    """PUSH_KEY: hex key (32 bytes) that signs for push services. Default: made once and kept in DATA_DIR/keys."""

    push_hosts: tuple[str, ...] = ()
    """PUSH_HOSTS: comma-separated hosts (and what lies below them) a browser's push address may have. Default: the known four."""

    backup_dir: Path | None = None
    """BACKUP_DIR: where a backup is laid each night, best on another disk; off for none. Default DATA_DIR/backups."""

    @property
    def public(self) -> bool:
        """Whether PUBLIC_URL is https with a real host, so that cards may be printed for real."""
        url = urlsplit(self.public_url)
        host = url.hostname or ""
        local = host in ("localhost", "") or host.endswith(".local") or host.replace(".", "").isdigit() or ":" in host
        return url.scheme == "https" and "." in host and not local

    @property
    def sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.database_url.startswith("sqlite")


def read(env: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `env`; makes DATA_DIR and the default keys on first use."""
    data = Path(env.get("DATA_DIR") or Path(__file__).parents[2] / "data").resolve()
    data.mkdir(parents=True, exist_ok=True)
    port = int(env.get("PORT") or 8000)
    keys = env.get("FIELD_KEYS") or _kept(data, "field")
    return Settings(
        data_dir=data,
        database_url=env.get("DATABASE_URL") or f"sqlite:///{data / 'nuanchao.db'}",
        secret_key=env.get("SECRET_KEY") or _kept(data, "secret"),
        field_keys=tuple(bytes.fromhex(key.strip()) for key in keys.split(",")),
        port=port,
        public_url=(env.get("PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        time_zone=env.get("TIME_ZONE") or "Asia/Shanghai",
        sample=env.get("SAMPLE", "") == "1" or (data / "sample").exists(),
        streams=int(env.get("STREAMS") or 12),
        worker=env.get("WORKER", "") != "off",
        outgoing=_way_out(env),
        outgoing_url=env.get("OUTGOING_URL") or "",
        outgoing_key=env.get("OUTGOING_KEY") or "",
        push_contact=env.get("PUSH_CONTACT") or "",
        push_key=env.get("PUSH_KEY") or _kept(data, "push"),
        push_hosts=tuple(each.strip() for each in (env.get("PUSH_HOSTS") or PUSH_HOSTS).split(",")),
        backup_dir=None if env.get("BACKUP_DIR") == "off" else Path(env.get("BACKUP_DIR") or data / "backups"),
    )


def _way_out(env: Mapping[str, str]) -> str:
    """The way out, if it is named and leads somewhere. Raises ValueError for a name we do not know."""
    way, url = env.get("OUTGOING") or NONE, env.get("OUTGOING_URL") or ""
    if way not in (NONE, SMS, ROBOT):
        raise ValueError(f"OUTGOING is {way}: it must be none, sms or robot")
    return way if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname else NONE


def _kept(data: Path, name: str) -> str:
    """A random key made once; of two processes starting together the first link wins and both read it."""
    path = data / "keys" / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text().strip()
