"""python -m bench.engines: a short day without network in the browsers the tests do not use: Firefox ESR and WebKitGTK.

Enrol, take today's pages, lose the network, arrive, write the diary, reload, be killed with SIGKILL, start again, spend, come
back: everything must be there exactly once. One JSON line for each engine; the exit is 1 when one lost or doubled anything.

Needs Debian's packages firefox-esr (driven over Marionette, which it speaks itself), gir1.2-webkit2-4.1, python3-gi and xvfb.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from werkzeug.serving import make_server

from tests import world as cast
from tests.conftest import settings
from tests.faults.line import Line, Mood
from tests.faults.server import free_port
from webapp import create_app
from webapp.kit import clock
from webapp.people.models import Slip
from webapp.roster import models as roster
from webapp.store import db, migrate
from webapp.store.inbox import Kept
from webapp.web import language

PATIENCE_S = 60
STORY = "没有信号的一天"
FINDS = """const $ = all => document.querySelector(all);
const shown = one => [one, ...one.querySelectorAll('*')].some(each => each.getClientRects().length > 0);
const seen = all => [...document.querySelectorAll(all)].some(shown);
const named = (all, words) => [...document.querySelectorAll(all)].find(one => one.textContent.includes(words));"""
"""What every script may use."""


class Engine(Protocol):
    """A browser whose profile outlives it."""

    def go(self, url: str) -> None:
        """Open an address."""

    def run(self, words: str) -> Any:
        """The value of an async function's body, run in the page."""

    def kill(self) -> None:
        """SIGKILL for all its processes."""


class Firefox:
    """Firefox ESR, over Marionette: length, colon, JSON."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        prefs = {
            "marionette.port": port, "browser.shell.checkDefaultBrowser": False, "intl.accept_languages": "zh-CN",
            "datareporting.policy.dataSubmissionEnabled": False, "network.captive-portal-service.enabled": False,
            "network.connectivity-service.enabled": False, "app.update.enabled": False,
        }  # fmt: skip
        folder.mkdir(exist_ok=True)
        (folder / "user.js").write_text(
            "".join(f"user_pref({json.dumps(key)}, {json.dumps(to)});\n" for key, to in prefs.items())
        )
        words = ["firefox-esr", "--headless", "--marionette", "--no-remote", "--width=360", "--profile", str(folder)]
        self.process = started(words, os.environ | {"HOME": str(folder)})
        self.line = joined(port)
        self.n = 0
        self._hear()
        self.version = self._say("WebDriver:NewSession", {"pageLoadStrategy": "none"})["capabilities"]["browserVersion"]
        self._say("WebDriver:SetTimeouts", {"script": PATIENCE_S * 1000})

    def go(self, url: str) -> None:
        """Open an address."""
        self._say("WebDriver:Navigate", {"url": url})

    def run(self, words: str) -> Any:
        """Run an async function's body."""
        script = f"const done = arguments[0]; (async () => {{{words}}})().then(done, e => done({{error: String(e)}}))"
        return self._say("WebDriver:ExecuteAsyncScript", {"script": script, "args": []})["value"]

    def kill(self) -> None:
        """SIGKILL for all of it."""
        end(self.process)

    def _say(self, name: str, facts: dict[str, Any]) -> Any:
        self.n += 1
        data = json.dumps([0, self.n, name, facts]).encode()
        self.line.sendall(str(len(data)).encode() + b":" + data)
        _kind, _n, wrong, told = self._hear()
        if wrong:
            raise Lost(f"{wrong.get('error')}: {wrong.get('message')}")
        return told

    def _hear(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._read(1)
        return json.loads(self._read(int(size[:-1])))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.line.recv(size - len(data))
            if not more:
                raise Lost("the browser hung up")
            data += more
        return data


class WebKit:
    """WebKitGTK in a window of our own (bench/webkit.py), on a screen nobody sees."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        words = ["xvfb-run", "-a", "/usr/bin/python3", str(Path(__file__).with_name("webkit.py")), str(folder)]
        env = os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "GDK_BACKEND": "x11", "LANG": "C.UTF-8"}
        self.process = started(words, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.go("about:blank")
        self.version = self.run("return navigator.userAgent").rpartition(" ")[2]

    def go(self, url: str) -> None:
        """Open an address."""
        self._say({"go": url})

    def run(self, words: str) -> Any:
        """Run an async function's body."""
        told = self._say({"run": words})
        if isinstance(told, dict) and "error" in told:
            raise Lost(told["error"])
        return told

    def kill(self) -> None:
        """SIGKILL for all of it."""
        end(self.process)

    def _say(self, told: dict[str, str]) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Lost("the browser hung up")
        return json.loads(line)


class Lost(Exception):
    """The page or the browser went away while it was asked; or what was waited for did not come."""


ENGINES: dict[str, Callable[[Path], Any]] = {"firefox": Firefox, "webkit": WebKit}


def started(words: list[str], env: dict[str, str], **pipes: int) -> subprocess.Popen[bytes]:
    """A process group of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | pipes
    return subprocess.Popen(words, env=env, start_new_session=True, **quiet)  # type: ignore[call-overload,no-any-return]


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the whole group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def joined(port: int) -> socket.socket:
    """A connection, as soon as somebody listens."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S + 10)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


class Day:
    """One engine's day; `seen` is what is told of it."""

    def __init__(self, name: str, folder: Path, port: int, line: Line) -> None:
        self.make, self.folder, self.line, self.url = ENGINES[name], folder, line, f"http://127.0.0.1:{port}"
        self.browser: Any = self.make(folder)
        self.seen: dict[str, Any] = {"bench": "engines", "engine": name, "version": self.browser.version}

    def play(self, code: str) -> None:
        """From the slip to the evening; raises Lost with what did not come."""
        self.open(f"/enrol?code={code}")
        self.until("return !!$('[data-check-start]')", "the page for enrolling")
        self.do("$('[data-check-start]').click()")
        self.until("return seen('[data-verdict=part], [data-verdict=ok]')", "the phone check")
        self.seen["check"] = self.browser.run(CHECKED)
        self.do("$('[name=pin]').value = '482913'; $('form[data-enrol] button[type=submit]').click()")
        self.until("return seen('[data-ready=yes]')", "准备好了，没信号也能用")
        self.dark(True)
        self.open("/")
        self.until("return seen('[data-kept-page]') && !!named('main', '李秀兰')", "today's page without network")
        self.do("$('h2 a').click()")
        self.until("return !!named('summary', '扫不了？')", "the visit's page without network")
        self.do("self.before = true; named('summary', '扫不了？').click(); named('button', '卡找不到').click()")
        self.until("return !self.before && seen(\"form[data-kept='visits.services']\")", "已签到 without network")
        self.do(DIARY)
        self.until(f"return !!named('#steps', '{STORY}')", "the diary without network")
        self.do("location.reload()")
        self.until(f"return !!named('#steps', '{STORY}') && !!named('#steps', '手机已存')", "the same after a reload")
        here = self.browser.run("return location.pathname")
        self.seen["kept_before_kill"] = self.kept()
        self.browser.kill()
        self.browser = self.make(self.folder)
        self.open(here)
        self.until(f"return !!named('#steps', '{STORY}')", "the visit's page after SIGKILL, without network")
        self.seen["kept_after_kill"] = self.kept()
        self.do("named('a', '记支出').click()")
        self.until("return !!$(\"[data-key='3']\")", "the form for money without network")
        self.do(MONEY)
        self.until("return !!named('#steps', '36.50')", "the money without network")
        self.seen["kept"] = self.kept()
        self.dark(False)
        self.open("/outbox")
        came = "[...document.querySelectorAll('[data-outbox-list] [data-when-kept=delivered]')].filter(shown).length"
        self.until(f"return {came} === 3", "everything delivered")

    def open(self, path: str) -> None:
        """Go there."""
        self.browser.go(self.url + path)

    def do(self, words: str) -> None:
        """A person's deed; a page that leaves while it is done may take the answer with it."""
        with contextlib.suppress(Lost):
            self.browser.run(f"{FINDS} {words}; return true")

    def until(self, words: str, what: str) -> None:
        """Wait until the script says yes; raises Lost with what is on the screen instead."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with contextlib.suppress(Lost):
                if self.browser.run(f"if (document.readyState !== 'complete') return false; {FINDS} {words}") is True:
                    return
            time.sleep(0.25)
        shown = "nothing"
        with contextlib.suppress(Lost):
            shown = self.browser.run("return location.pathname + ': ' + document.body.innerText.slice(0, 600)")
        raise Lost(f"{what} did not come; there is {shown}")

    def kept(self) -> int:
        """How many records the phone holds."""
        return int(self.browser.run("return await nc.outbox.count()"))

    def dark(self, is_dark: bool) -> None:
        """No network, or network again."""
        self.line.mood = Mood(dead=is_dark)
        self.line.cut_all()


CHECKED = """return [...document.querySelectorAll('[data-check], [data-checks] li')].filter(one => one.getClientRects().length)
  .map(one => one.innerText.replace(/\\s+/g, ' ').trim())"""
DIARY = f"""const diary = $("form[data-kept='logs.write']"); named('label', '精神好').click();
diary.querySelector('[name=story]').value = '{STORY}'; named("form[data-kept='logs.write'] button", '写好了').click()"""
MONEY = """for (const key of '36.50') $(`[data-key='${key}']`).click(); named('label.tile', '蔬菜').click();
named('label.choice', '老人的现金').click(); named('button', '存好').click()"""


def play(name: str) -> bool:
    """One engine; prints its line. Whether all was there exactly once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        app = create_app(settings(Path(folder)))
        with app.app_context():
            migrate.upgrade(db.database().engine)
            cast.build()
            here = cast.World(app)
            with db.transaction():
                start = max(clock.minute_of(clock.now()) - 5, 0)
                roster.plan(here.household("李秀兰"), range(7), start, 90, ["MEAL-01", "CLEAN-01", "MIND-01"])
                _slip, code = Slip.write(Slip.ENROL, here.account("wang"), here.account("zhou").id)
            db.undo()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        line = Line(server.server_port)
        day = Day(name, Path(folder) / name, line.port, line)
        try:
            day.play(code)
        except Lost as error:
            day.seen["missed"] = str(error)
        finally:
            day.browser.kill()
            line.close()
            server.shutdown()
        with app.app_context():
            rows = db.reading().execute(sa.select(Kept.kind, Kept.state, Kept.dseq).order_by(Kept.dseq)).all()
            db.undo()
        day.seen["arrived"] = [f"{row.kind} {row.state}" for row in rows]
    print(json.dumps(day.seen, ensure_ascii=False), flush=True)
    return "missed" not in day.seen and [row.dseq for row in rows] == [1, 2, 3] and {row.state for row in rows} == {"applied"}


def main() -> None:
    """Both engines, or those that are named."""
    language.compile_words()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    if not all([play(name) for name in sys.argv[1:] or ENGINES]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
