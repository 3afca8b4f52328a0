"""Whatever was shown as 手机已存 is still there after the browser was killed, at any moment, again and again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Playwright, expect

from tests.js.conftest import ARGS, CHROMIUM, enrol, until
from tests.js.stub import ACCOUNT, Stub
from tests.js.test_phone import jpeg

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]
KILLS = int(os.environ.get("KILLS", "25"))
WORK = """async () => {
  const form = document.querySelector('#spend'), note = form.querySelector('[data-kept-note]');
  const save = form.querySelector('#save');
  for (let n = 1; ; n++) {
    note.hidden = true;
    form.elements.amount_fen.value = `${n}.10`;
    form.elements.words.value = '菜'.repeat(n % 40);
    save.click();
    while (note.hidden || save.disabled) await new Promise(next => setTimeout(next, 3));
    await shown(n);
  }
}"""


def processes(profile: Path) -> list[int]:
    """Every process of the browser that lives on `profile`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if str(profile).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def kill(profile: Path) -> None:
    """SIGKILL for all of them, and wait until they are gone."""
    until = time.monotonic() + 30
    while (alive := processes(profile)) and time.monotonic() < until:
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    assert not alive


KEYED = f"nc.keys.of('{ACCOUNT}').then(key => !!key)"


def opened(context: BrowserContext, stub: Stub, said: list[int]) -> Page:
    """A page whose last number shown as saved stands in `said`."""
    page = context.new_page()
    page.expose_binding("shown", lambda _source, n: said.__setitem__(0, n))
    page.goto(stub.url + "/")
    return page


def numbers(page: Page) -> list[int]:
    """Of all records on the phone; of each key none is missing or doubled."""
    rows = page.evaluate("nc.outbox.list().then(rows => rows.map(row => [row.envelope.device, row.envelope.dseq]))")
    held: dict[str, list[int]] = {}
    for device, number in rows:
        held.setdefault(device, []).append(number)
    assert all(each == list(range(1, len(each) + 1)) for each in held.values()), held
    return [number for _device, number in rows]


def test_what_was_shown_as_saved_survives_every_kill(playwright_: Playwright, stub: Stub, tmp_path: Path) -> None:
    draw, profile, saved = random.Random(7), tmp_path / "profile", 0
    stub.stay("cut")

    def start() -> BrowserContext:
        return playwright_.chromium.launch_persistent_context(str(profile), executable_path=CHROMIUM, args=ARGS)

    for turn in range(KILLS):
        context, said = start(), [0]
        page = opened(context, stub, said)
        if not page.evaluate(KEYED):  # at first, and after a kill that tore the database
            enrol(page, stub, device=str(uuid.UUID(int=turn + 1, version=4)))
        held = numbers(page)
        assert len(held) >= saved, f"kill {turn}: {saved} were shown as saved, {len(held)} are there"
        page.evaluate(f"void ({WORK})()")
        while turn % 2 and not said[0]:  # on a slow machine too, every other time after something was shown
            page.wait_for_timeout(5)
        page.wait_for_timeout(draw.uniform(30, 900))
        kill(profile)
        saved = len(held) + said[0]
        with contextlib.suppress(Error):  # it is dead already
            context.close()

    context = start()
    page = context.new_page()
    stub.many = True
    stub.stay("fine")
    page.goto(stub.url + "/")
    total = page.evaluate("nc.outbox.count()")
    assert total >= saved >= KILLS // 2
    page.evaluate("nc.send.flush({press: true})")
    until(lambda: page.evaluate("nc.outbox.count()") == 0, 60 + total)
    assert len(stub.stored) == total
    context.close()
    print(f"{KILLS} kills, {total} records, {saved} shown as saved")


SPARES = """async () => (await (await caches.open('nuanchao-spare')).keys())
    .map(each => new URL(each.url).pathname).filter(path => !path.startsWith('/spare/key/'))"""


def tear(profile: Path) -> None:
    """Tear the database as a kill between two writes may, so that the browser throws it away at the next start."""
    (home,) = (profile / "Default" / "IndexedDB").glob("*.indexeddb.leveldb")
    (log,) = home.glob("*.log")
    data = bytearray(log.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 64] = bytes(64)
    log.write_bytes(data)


@pytest.mark.parametrize("turn", range(4))
def test_what_was_shown_as_saved_survives_a_kill_that_tears_the_database(
    playwright_: Playwright, stub: Stub, tmp_path: Path, turn: int
) -> None:
    profile, said = tmp_path / "profile", [0]
    stub.stay("cut")

    def start() -> BrowserContext:
        return playwright_.chromium.launch_persistent_context(str(profile), executable_path=CHROMIUM, args=ARGS)

    context = start()
    page = opened(context, stub, said)
    enrol(page, stub)
    page.evaluate(f"void ({WORK})()")
    while said[0] < 3 + turn:
        page.wait_for_timeout(5)
    kill(profile)
    with contextlib.suppress(Error):
        context.close()
    tear(profile)
    context = start()
    page = opened(context, stub, [0])
    assert page.evaluate(KEYED) is False, "not torn"
    assert len(numbers(page)) >= said[0], "what was shown as saved is gone"
    context.close()


def test_a_record_whose_copy_was_not_laid_before_the_kill_gets_it_at_the_next_start(page: Page, stub: Stub) -> None:
    stub.stay("cut")
    page.set_input_files("[name=receipt]", [{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}])
    page.fill("[name=amount_fen]", "1.50")
    page.click("#save")
    until(lambda: len(page.evaluate(SPARES)) == 2)
    page.evaluate("caches.delete('nuanchao-spare')")
    assert page.evaluate(SPARES) == []
    page.reload()
    until(lambda: len(page.evaluate(SPARES)) == 2)


@pytest.mark.parametrize("sent", [False, True], ids=["nothing was sent", "all but the photo was sent"])
def test_a_database_that_was_torn_and_begun_anew_gets_everything_back(
    playwright_: Playwright, stub: Stub, tmp_path: Path, sent: bool
) -> None:
    profile = tmp_path / "profile"
    stub.stay("fine" if sent else "cut")
    stub.no_photos = True

    def start() -> BrowserContext:
        return playwright_.chromium.launch_persistent_context(str(profile), executable_path=CHROMIUM, args=ARGS)

    context = start()
    page = context.new_page()
    page.goto(stub.url + "/")
    enrol(page, stub)
    page.click("#arrive button")
    for n, photo in enumerate((None, {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}, None), 1):
        if photo:
            page.set_input_files("[name=receipt]", [photo])
            expect(page.locator("[data-photo-thumbs] img")).to_have_count(1)
        page.fill("[name=amount_fen]", f"{n}.50")
        page.click("#save")
        until(lambda n=n: page.evaluate("nc.outbox.list().then(rows => rows.length)") == n + 1)
    if sent:
        until(lambda: page.evaluate("nc.outbox.count()") == 0)
    made = page.evaluate("nc.outbox.list()")
    until(lambda: len(page.evaluate(SPARES)) == (2 if sent else 5))  # that photo and its record; or four records and it
    kill(profile)
    with contextlib.suppress(Error):
        context.close()
    tear(profile)

    context = start()
    page = context.new_page()
    page.goto(stub.url + "/")
    assert page.evaluate("(async () => !!await nc.keys.of(ACCOUNT))()".replace("ACCOUNT", repr(ACCOUNT))) is False, "not torn"
    expect(page.locator("[data-unkeyed]")).to_be_visible()
    found = page.evaluate("nc.outbox.list()")
    kept = [row for row in made if row["envelope"]["photos"] or not sent]
    assert [row["envelope"] for row in found] == [row["envelope"] for row in kept]
    assert [row["n"] for row in found] == [row["n"] for row in kept]
    stub.many, stub.no_photos = True, False
    stub.stay("fine")
    page.evaluate("nc.send.flush({press: true})")
    until(lambda: page.evaluate("nc.outbox.count()") == 0, 60)
    assert set(stub.stored) == {row["id"] for row in made}
    (photo,) = made[2]["envelope"]["photos"]
    until(lambda: len(stub.photos.get(photo["sha256"], b"")) == photo["size"], 20)
    until(lambda: page.evaluate(SPARES) == [])
    context.close()
