"""Every screen people meet on the first day, looked at as a browser sees it: on a phone and on a desk, in both languages."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from pylopdf_fonts_zh_cn import sans_path

from tests.journeys.conftest import CHROMIUM, QUIET, come_in, desk, phone, watch
from tests.look.conftest import FONTS
from tests.visits.kit import AT_HOME, arrive, card_of, plate_of, send
from webapp.access import Role
from webapp.applications import models as applications
from webapp.cards import models as cards
from webapp.endings import care, departure, moving
from webapp.evaluations import gather
from webapp.evaluations.models import Evaluation
from webapp.health import models as health
from webapp.kit import clock, ids
from webapp.kit.month import Month
from webapp.messages import announcing, calling, ladder
from webapp.messages import models as messages
from webapp.outings import going, lost
from webapp.people import models as residents
from webapp.people.models import Household
from webapp.requests import models as requests
from webapp.reviews import queries as reviews
from webapp.reviews.models import QuarterReview
from webapp.reviews.rules import Quarter
from webapp.roster import leaving, pausing
from webapp.roster import models as roster
from webapp.roster.leaving import Choice
from webapp.roster.models import Shift
from webapp.store import db
from webapp.voices import models as voices
from webapp.welfare import models as welfare

pytestmark = pytest.mark.browser

FINGER = 44
"""Pixels: nothing one may tap is narrower or lower, on a desk neither."""
TALLEST = 8000
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
CHINESE = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]+")
SCREENS = {
    "wang": "today visit planned scan nobody write books book spend receive entry count large outbox me leave week proof lesson"
    " errand mine say",
    "zhou": "today dealt climbed ring tell announce live roster plan leaves decide rung pauses desk"
    " change people household resident seen books agreement"
    " cards card printing end ended ends moved departs departing"
    " mended month sheet fault review reviews found rescued requests request digest opinions opinion complaints complaint swap"
    " needs applications application applies board walks outings missing case shut welfare visited",
    "qian": "handover",
    "chu": "inspections checklist plate",
    "zheng": "rules tried",
    "wu": "today announced draw compare months export own_form",
    "limin": "family own door me ask say another kinbook",
    "liqiang": "family",
    "wei": "today",
    "": "stranger rescue unknown open published status answer sign_in enrol reset",
}
DATA = (
    *("松岭一社区居家养老服务站", "望海社区居家养老服务站", "松岭街道", "滨松区（虚构）", "街道值班室"),
    *("李秀兰", "张福贵", "刘淑珍", "孙德胜", "王桂芳", "钱桂兰", "赵丽华", "周建国", "何卫东", "李敏", "李强", "楚监督"),
    *("和平里3号楼2单元402", "民政街18号1单元101", "青霉素过敏", "起身要扶", "女儿", "儿子", "家"),
    *("吃了半碗粥，说膝盖疼", "白菜、豆腐", "这个月的菜钱", "李"),
)
"""Names, addresses and what somebody wrote: the same in every language."""

LOOK = """() => {
  const said = [], root = document.documentElement;
  if (root.scrollWidth > innerWidth + 1) said.push(`scrolls sideways: ${root.scrollWidth} px`);
  const one = 'a[href],button,summary,select,textarea,input:not([type=hidden])';
  const reach = (el, x, y) => {
    const hit = document.elementFromPoint(x, y), label = el.closest('label');
    return hit && (el.contains(hit) || (label && label.contains(hit)));
  };
  const span = (el, x, y, dx, dy) => {
    let n = 0;
    while (n < 60 && reach(el, x + dx * n, y + dy * n)) n++;
    return n;
  };
  for (const el of document.querySelectorAll(one)) {
    (el.closest('label') || el).scrollIntoView({block: 'center', inline: 'center'});
    const box = (el.closest('label') || el).getClientRects()[0];
    if (!box || el.closest('.unseen,.skip') || !el.checkVisibility({visibilityProperty: true})) continue;
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const wide = span(el, x, y, -1, 0) + span(el, x, y, 1, 0) - 1, high = span(el, x, y, 0, -1) + span(el, x, y, 0, 1) - 1;
    if (Math.min(wide, high) < FINGER - 1) said.push(`too small to tap: ${wide} x ${high} ${el.outerHTML.slice(0, 90)}`);
  }
  for (const el of document.querySelectorAll('h1,h2,p,a,button,label,dt,dd,td,th,.chip')) {
    const box = el.getBoundingClientRect();
    if (!box.width || box.right < innerWidth + 2 || el.closest('.sheet,.tabs,.unseen')) continue;
    said.push(`runs off: ${el.textContent.trim().slice(0, 40)}`);
  }
  return said;
}""".replace("FINGER", str(FINGER))
WORDS = """() => {
  const said = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, el = node.parentElement;
    if (node.nodeType === 3 ? el.closest('script,noscript,[lang]:not(html)') : node.closest('[lang]:not(html)')) continue;
    if (node.nodeType === 3) said.push(node.nodeValue.trim());
    else said.push(...['aria-label', 'alt', 'title', 'placeholder', 'data-confirm', 'data-words'].map(n => node.getAttribute(n)));
  }
  return [document.title, ...said].filter(Boolean);
}"""


@dataclass(frozen=True)
class Way:
    """A way to look: how wide, which language."""

    open: Callable[..., BrowserContext]
    width: int
    language: str

    def __str__(self) -> str:
        return f"{self.width} {self.language}"


PHONE_AND_DESK = {360: phone, 1200: desk}


@pytest.fixture(scope="module")
def eyes(playwright_: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with Chinese letters, whatever the machine has."""
    folder = tmp_path_factory.mktemp("fonts")
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(folder=Path(sans_path()).parent, cache=folder / "cache"), encoding="utf-8")
    given = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    launched = playwright_.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *camera], env=given)
    yield launched
    launched.close()


@pytest.fixture
def addresses(world: Any) -> dict[str, str]:
    """A morning at Songling: 王桂芳 is with 李秀兰, has written and spent; the couple comes next. Addresses by screen."""
    li, zhang = world.household("李秀兰"), world.household("张福贵")
    card, token = card_of(world)
    plate_of(world)
    now = min(max(clock.minute_of(clock.now()), 10), 1330)
    with db.transaction():
        plan = roster.plan(li, range(7), now - 10, 90, ["MEAL-01", "CLEAN-01", "MIND-01"])
        roster.plan(zhang, range(7), min(now + 90, 1380), 40, ["MEAL-01", "MIND-01"])
    shift, waits = _shift_of(li), _shift_of(zhang)
    arrive(world, visit=shift.visit_id, shift=shift.id, method="scan", token=token, ago_min=9, **AT_HOME)
    money = {"source": "cash", "household": li.id}
    send(world, "ledger.receive", **money, amount_fen=30_000, category="IN-FAM", giver="", words="这个月的菜钱")
    shift_id, absent = _absences(world)
    spent = send(world, "ledger.spend", **money, visit=shift.visit_id, amount_fen=3650, category="EX-VEG", words="白菜、豆腐")
    send(world, "logs.write", visit=shift.visit_id, mood="good", meals="some", story="吃了半碗粥，说膝盖疼")
    notice, told = _said(world)
    found = ids.new()
    send(world, "inspections.record", "chu", inspection=found, household=li.id, template="home_quick", rec_02="no", saf_11="yes")
    with db.transaction():
        gather.gather(Month.of(clock.today()).previous())
    sheet = db.session().scalars(sa.select(Evaluation.id).where(Evaluation.caregiver_id == world.person("wang").id)).first()
    send(world, "visits.nobody", household=zhang.id, rang=True, phoned=True, told=False)
    ending, move = _ends(world)
    home, entry = f"/households/{li.id}", f"/book/entries/{spent.id}"
    return {
        "inspections": "/inspections", "checklist": f"{home}/inspect", "mended": f"/inspections/{found}", "month": "/evaluations",
        "sheet": f"/evaluations/{sheet}", "fault": f"/evaluations/{sheet}/faults", "rules": "/evaluations/rules",
        "lesson": "/my-training/cards/rise", "tried": "/rules/evaluation?M01=96&M02=90&M07=4.2",
        "own_form": "/evaluations/own-form",
        "plate": "/inspections/plate",
        "reviews": "/reviews", "review": f"/reviews/{_reviewed(world)}", "draw": "/inspections/draw",
        "compare": "/evaluations/compare",
        "dealt": "/tasks", "climbed": f"/notices/{notice}", "ring": f"{home}/call",
        "tell": f"/people/{world.person('wang').id}/notice",
        "announce": "/announcements", "announced": f"/announcements/{told}",
        "today": "/", "visit": f"/today/visits/{shift.visit_id}", "planned": f"/today/visits/{waits.visit_id}", "scan": "/scan",
        "nobody": f"/households/{zhang.id}/nobody", "write": f"/visits/{shift.visit_id}/log", "books": "/book",
        "book": f"{home}/book",
        "spend": f"{home}/book/spend", "receive": f"{home}/book/receive", "entry": entry,
        "count": f"{home}/book/count", "large": f"{home}/book/large", "months": "/book/months",
        "agreement": f"{home}/book/agreement", "export": "/book/export",
        "outbox": "/outbox", "me": "/me", "live": "/live", "roster": "/roster", "plan": f"{home}/plan",
        "leave": "/leave", "week": "/my-week", "proof": "/proof",
        "leaves": "/leaves", "decide": f"/leaves/{absent}", "rung": "/leaves/new", "pauses": f"{home}/pauses",
        "desk": f"/shifts/{shift_id}", "handover": f"{home}/handover".replace("/households", "/today/households"),
        "end": f"/residents/{world.resident('张福贵').id}/end", "ended": f"/endings/{ending}", "ends": "/endings",
        "moved": f"/moves/{move}", "departs": f"/people/{world.person('qian').id}/departure",
        "departing": f"/people/{world.person('wang').id}/departure",
        "change": f"/plans/{plan.id}/change", "people": "/people", "household": home, "cards": f"{home}/cards",
        "resident": f"/residents/{world.resident('李秀兰').id}", "seen": f"/visits/{shift.visit_id}", "card": f"/cards/{card.id}",
        "printing": "/print/cards", "family": "/family", "stranger": f"/c/{token}",
        **_found(world, card, token), **_outside(world), "unknown": "/c/ABCDEFGH",
        "sign_in": "/sign-in", "enrol": "/enrol", "reset": "/reset",
    }  # fmt: skip


def _reviewed(world: Any) -> uuid.UUID:
    """王桂芳's last quarter at Songling, with one voice; its meeting is still to come."""
    quarter = Quarter.of(clock.today()).previous()
    head = SimpleNamespace(account_id=world.account("zhou").id, person_id=world.person("zhou").id)
    with db.transaction() as session:
        reviews.gather(quarter, world.place("songling"))
        row = session.scalars(sa.select(QuarterReview).where(QuarterReview.caregiver_id == world.person("wang").id)).one()
        row.hear(head, "kin", "李", 4, "李", "yes", world.household("李秀兰"))
        return row.id


def _found(world: Any, card: Any, token: str) -> dict[str, str]:
    """A stranger's report and a helper's question."""
    with db.transaction():
        lan = world.resident("李秀兰")
        sighting = cards.report(card, card.station_id, "家", "13800001111")
        daughter = SimpleNamespace(account_id=world.account("limin").id)
        asked = requests.ask(daughter, lan.household, lan.id, "bath", "李", clock.today(), "kin")  # type: ignore[arg-type]
        head: Any = SimpleNamespace(account_id=world.account("zhou").id)
        errand = requests.ask(head, world.household("张福贵"), world.resident("张福贵").id, "shop", "李", clock.today(), "kin")
        errand.send(head.account_id, "caregiver", world.person("wang"), "", clock.now() + timedelta(hours=3))
        said = voices.complain(
            "complaint", world.place("songling"), "李李李李", by=daughter.account_id, household_id=lan.household_id
        )
        changing = voices.ask_for_change(lan.household, daughter.account_id, "kin", "李")
        window, _key = health.ask(card, lan, "李", "13800002222")
        health.write_sheet(lan, "李李", "李李")
        applied = applications.apply(world.household("张福贵"), "B", "13800002222", head)
        applied.move(Role.STATION_HEAD, "surveyed", head.account_id, "")
        applied.publish(head.account_id)
        kin = residents.Kin
        tie = db.session().scalars(sa.select(kin.id).where(kin.person_id == world.person("limin").id)).one()
        return {
            "found": f"/sightings/{sighting.id}", "rescued": f"/rescues/{window.id}", "rescue": f"/c/{token}/rescue",
            "ask": f"/households/{lan.household_id}/requests", "requests": "/requests", "request": f"/requests/{asked.id}",
            "errand": f"/requests/{errand.id}", "mine": "/my-opinions",
            "opinions": "/opinions", "open": "/say", "published": "/open", "status": "/open/status", "door": "/own",
            "opinion": f"/residents/{lan.id}/opinion", "complaints": "/complaints", "needs": "/needs",
            "answer": "/say/answer?number=ABCDEFGH", "another": f"/households/{lan.household_id}/another",
            "applications": "/applications", "application": f"/applications/{applied.id}", "kinbook": f"/family/{tie}/book",
            "applies": f"/households/{lan.household_id}/applications",
            "board": f"/places/{world.place('songling').id}/standing-list",
            "complaint": f"/complaints/{said.id}", "swap": f"/changes/{changing.id}",
            "say": f"/households/{lan.household_id}/say", "own": f"/residents/{lan.id}/own",
            "digest": f"/residents/{lan.id}/week",
        }  # fmt: skip


def _outside(world: Any) -> dict[str, str]:
    """李秀兰 is out and late, 张福贵 is looked for and 刘淑珍 was found; 李秀兰 is gone to see, too rarely."""
    now, zhou = clock.now(), world.account("zhou").id
    with db.transaction():
        li, zhang, liu = (world.resident(name) for name in ("李秀兰", "张福贵", "刘淑珍"))
        going.begin(li, now - timedelta(minutes=90), 60, "alone", "near", "家", "13800138000", by=zhou, key=ids.new())
        case, over = (
            lost.search(who, now, "家", "家", "家", at=now, by=zhou, key=ids.new(), office=True) for who in (zhang, liu)
        )
        case.step("neighbour", "家", zhou)
        over.close("people", "家", zhou)
        welfare.watch(li, "high", zhou).next_on = clock.today() - timedelta(days=3)
    li = world.resident("李秀兰")
    told = {"resident": li.id, "way": "door", "seen": "trouble", "words": "家", "owner": "self"}
    send(world, "welfare.visit", "zhou", household=li.household_id, **told)
    home = f"/households/{li.household_id}"
    return {
        "walks": f"{home}/outings", "outings": "/outings", "missing": f"{home}/lost", "case": f"/lost/{case.id}",
        "shut": f"/lost/{over.id}", "welfare": "/welfare", "visited": f"{home}/welfare",
    }  # fmt: skip


def _said(world: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """A red notice that climbed, an announcement, a task and one that was done: (the notice, the announcement)."""
    place, head, wang = world.place("songling"), world.account("zhou").id, world.account("wang").id
    with db.transaction() as session:
        messages.notify("call_back", place.id, "screens", to=wang, by=head, endpoint="ledger.index")
        messages.open_task("todo", place.id, "screens:1", household_id=world.household("李秀兰").id, due_at=clock.now())
        messages.open_task("todo", place.id, "screens:2", account_id=wang)
        messages.handle("log", "screens:3", place.id, world.household("张福贵").id, clock.now(), head)
        told = announcing.announce(world.place("street"), announcing.BOTH, "李秀兰", "李秀兰", world.account("wu").id, must=True)
        notice = session.scalars(sa.select(messages.Notice.id).where(messages.Notice.key == "screens")).one()
    with db.transaction():
        for deed in (ladder.rise, ladder.climb):
            deed(str(notice), "caregiver")
    return notice, told.id


def _absences(world: Any) -> tuple[Any, Any]:
    """张福贵 is in hospital, 王桂芳 asks for tomorrow, 钱桂兰 stands in later today. A shift that was rung about; the leave."""
    zhou, tomorrow = world.account("zhou"), clock.today() + timedelta(days=1)
    head = SimpleNamespace(account_id=zhou.id, person_id=zhou.person_id)
    days = {"since": tomorrow.isoformat(), "until": (tomorrow + timedelta(days=1)).isoformat()}
    asked = send(world, "roster.leave", "wang", kind="sick", why="", **days).id
    with db.transaction():
        home = world.household("张福贵")
        gone = clock.today() - timedelta(days=8)
        pausing.pause(home, world.resident("张福贵"), "hospital", "女儿", gone, by=zhou.id)
        pausing.pause(world.household("李秀兰"), None, "child", "女儿", clock.today() + timedelta(days=9), by=zhou.id)
        shift = _shift_of(home)
        key = shift.id
        calling.note_call(shift.household_id, f"shift:{shift.id}", shift.id, "neighbour", "fine", head.account_id)
        roster.plan(world.household("李秀兰"), range(7), 1425, 10, ["MIND-01"])
        late = sa.select(Shift).where(Shift.day == clock.today(), Shift.start_min == 1425)
        leaving.send(db.session().scalars(late).one(), Choice(world.person("qian")), head)
    db.undo()
    return key, asked


def _ends(world: Any) -> tuple[uuid.UUID, uuid.UUID]:
    """Somebody else lived with 李秀兰 and has died; she moves to Wanghai; 王桂芳 leaves. The end and the move."""
    head = SimpleNamespace(account_id=world.account("zhou").id, person_id=world.person("zhou").id)
    with db.transaction() as session:
        home, key = world.household("李秀兰"), uuid.uuid4()
        lodger = residents.take_in(home, "孙德胜")
        session.flush()
        ended = care.end(lodger, home, "death", clock.today(), head, told_by="女儿")
        moving.ask(home, world.place("wanghai"), "和平里3号楼2单元402", clock.today(), "女儿", head, key)
        departure.begin(world.person("wang"), clock.today(), "", False, head, uuid.uuid4())
        return ended.id, key


def _shift_of(household: Household) -> Shift:
    mine = sa.select(Shift).where(Shift.household_id == household.id, Shift.day == clock.today())
    return db.session().scalars(mine.order_by(Shift.start_min).limit(1)).one()


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", PHONE_AND_DESK)
@pytest.mark.parametrize("name", SCREENS, ids=lambda name: name or "stranger")
def test_screens_fit_speak_and_can_be_tapped(app, server, eyes, addresses, name, width):
    faults = [
        f"{screen} {way}: {fault}"
        for way in (Way(PHONE_AND_DESK[width], width, language) for language in ("zh", "en"))
        for screen, page in _visits(eyes, server, app, name, addresses, way)
        for fault in (*_look(page), *(_chinese(page) if way.language == "en" else ()))
    ]
    assert not faults, "\n".join(faults)


PLANTED = {
    "too small to tap": "<a href='/'>·</a>",
    "scrolls sideways": "<div><svg width='900' height='9' aria-hidden='true'></svg></div>",
    "runs off": "<div><p><b></b>word</p></div>",
    "axe image-alt": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' width='60' height='60'>",
    "not in English": "<p>没译</p>",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_look_sees_a_planted_fault(eyes, fault):
    page = eyes.new_page(viewport={"width": 360, "height": 640})
    page.wrong = watch(page)  # type: ignore[attr-defined]
    page.set_content(f"<html lang=en><title>A page</title><body><main><h1>A page</h1>{PLANTED[fault]}</main>")
    if fault == "runs off":
        page.eval_on_selector("p", "p => { p.style.width = '900px'; p.parentElement.style.overflow = 'hidden'; }")
    said = _look(page) + _chinese(page)
    page.close()
    assert [each for each in said if each.startswith(fault)], said


def _visits(eyes: Browser, server: str, app: Any, name: str, addresses: dict[str, str], way: Way) -> Iterator[tuple[str, Page]]:
    """Each of a person's screens, open at full height; then the context is closed."""
    context = way.open(eyes, server, service_workers="block")
    context.add_cookies([{"name": "lang", "value": way.language, "url": server}])
    if name:
        come_in(context, server, app, name)
    context.set_default_navigation_timeout(90_000)
    page = context.new_page()
    page.wrong = watch(page)  # type: ignore[attr-defined]
    for screen in SCREENS[name].split():
        page.set_viewport_size({"width": way.width, "height": 780})
        answer = page.goto(addresses[screen])
        assert answer is not None and answer.status == 200, (screen, answer and answer.status)
        # at full height nothing lies under a bar that only waits to be scrolled
        tall = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": way.width, "height": min(max(tall, 780), TALLEST)})
        yield screen, page
    context.close()


def _look(page: Page) -> list[str]:
    said = page.evaluate(LOOK) + page.wrong  # type: ignore[attr-defined]
    page.wrong.clear()  # type: ignore[attr-defined]
    found = Axe().run(page, options=AXE).response["violations"]
    return said + [f"axe {each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def _chinese(page: Page) -> list[str]:
    """What an English page still says in Chinese, data apart."""
    left = []
    for words in page.evaluate(WORDS):
        for known in DATA:
            words = words.replace(known, "")
        left += CHINESE.findall(words)
    return [f"not in English: {each}" for each in dict.fromkeys(left)]
