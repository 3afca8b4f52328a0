"""Every page somebody can open is sound HTML: as head, caregiver, kin, administrator and stranger, whole and as a piece."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest

from tests.house import rooms
from tests.world import World
from webapp import access

XHTML = "{http://www.w3.org/1999/xhtml}"
READERS = [("zhou", "zh"), ("wang", "zh"), ("limin", "zh"), ("shen", "zh"), ("jiang", "zh"), (None, "zh")]
READERS += [("zhou", "en"), ("wang", "en"), ("limin", "en")]
OUTSIDE = {"live.events", "assets.send"}
NAMED = {"aria-label", "aria-labelledby", "title"}
HIDDEN = {"hidden", "submit", "button", "image", "reset"}


def faults(page: str) -> list[str]:
    """What is wrong with a page, in words."""
    parser = html5lib.HTMLParser()
    tree = parser.parse(page)
    found = [f"{code} {facts or ''} at {place}" for place, code, facts in parser.errors]
    ids = Counter(each.get("id") for each in tree.iter() if each.get("id"))
    found += [f"id {name} is there {n} times" for name, n in ids.items() if n > 1]
    for each in tree.iter():
        tag = str(each.tag).removeprefix(XHTML)
        found += [f"<{tag}> points at #{name}, which is not there" for name in pointed(each) if name not in ids]
        found += said_badly(tag, each, tree)
    if not page.lstrip().lower().startswith("<!doctype html"):
        return found
    if not (tree.get("lang") or "").strip():
        found.append("the page does not say its language")
    titles = [each for each in tree.iter(f"{XHTML}title") if (each.text or "").strip(" -")]
    if len(titles) != 1:
        found.append(f"{len(titles)} titles")
    if len(list(tree.iter(f"{XHTML}main"))) != 1:
        found.append("not exactly one <main>")
    return found


def pointed(each: Element) -> list[str]:
    """The ids an element points at."""
    names = [each.get(name) or "" for name in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list")]
    return [word for value in names for word in value.split()]


def said_badly(tag: str, each: Element, tree: Element) -> list[str]:
    """What an element lacks for somebody who cannot see it, and code where none may be."""
    wrong = [f"<{tag} {name}>" for name in each.attrib if name.startswith("on") or name == "style" or name.startswith("hx-on")]
    if tag == "img" and each.get("alt") is None:
        wrong.append("a picture without words")
    if tag in ("input", "select", "textarea") and each.get("type") not in HIDDEN and not labelled(each, tree):
        wrong.append(f"<{tag} name={each.get('name')}> has no label")
    shown = each.get("hidden") is None
    if shown and tag in ("button", "a") and (tag == "button" or each.get("href")) and not named(each):
        wrong.append(f"<{tag}> without words: {dict(each.attrib)}")
    if tag == "script" and not each.get("src"):
        wrong.append("a script in the page")
    return wrong


def labelled(each: Element, tree: Element) -> bool:
    """Whether a field has a label of its own, around it or by aria."""
    if NAMED & set(each.attrib) or each.get("hidden") is not None:
        return True
    for label in tree.iter(f"{XHTML}label"):
        if label.get("for") == each.get("id") and each.get("id"):
            return True
        if each in list(label.iter()):
            return True
    return any(each in list(box.iter()) for box in tree.iter() if box.get("hidden") is not None)


def named(each: Element) -> bool:
    """Whether a button or link says what it does."""
    words = "".join(each.itertext()).strip() or " ".join(img.get("alt") or "" for img in each.iter(f"{XHTML}img")).strip()
    return bool(words) or bool(NAMED & set(each.attrib))


@pytest.mark.parametrize(("who", "tongue"), READERS)
def test_every_page_is_sound(furnished: Any, who: str | None, tongue: str) -> None:
    app, sides = furnished
    wrong, seen = [], 0
    with app.app_context(), rooms.dry():
        client = World(app).client(who)
        client.set_cookie("lang", tongue)
        for rule in rooms.rules_of(app):
            verb = rooms.verb_of(app, rule)
            if "GET" not in (rule.methods or ()) or rule.endpoint in OUTSIDE:
                continue
            if verb and (who is None or rooms.ROLES[who] not in access.GRANTS[verb]):
                continue
            answer = client.get(rooms.address(app, rule, sides["li"]))
            if answer.mimetype == "text/html" and answer.status_code == 200:
                seen += 1
                page = answer.get_data(as_text=True)
                wrong += [f"{rule.endpoint}: {fault}" for fault in faults(page)]
                if tongue == "zh":
                    wrong += [f"{rule.endpoint}: {word}" for word in LEAKS.findall(page)]
                else:
                    wrong += [f"{rule.endpoint}: {words}" for words in left_in_chinese(page)]
    assert seen >= 3
    assert sorted(set(wrong)) == []


LEAKS = re.compile(r"\bNone\b|\bUndefined\b|&lt;[A-Z]\w+ |%\(\w+\)s")
"""What a page says when a fact was missing."""
OURS = re.compile(r"[\u3400-\u9fff]{2,}")
DATA = re.compile(
    "(李|王|张|刘|孙|钱|赵|周|何|吴|郑|冯|陈|楚|卫|蒋|沈|名单|和平里|民政|望海|松岭|滨松|街道|值班|小花园|怕冷|青霉素|起身|今天很好|中文|暖巢|女儿|儿子|侄|手机|海边路|我和老人在一起)"
)
"""Names and what people wrote stay as they are."""


def left_in_chinese(page: str) -> list[str]:
    """Chinese words on an English page that nobody typed."""
    page = re.sub(r"(?s)<(script|style|template)\b.*?</\1>", "", page)
    page = re.sub(r'<(\w+)\b[^>]*\blang="zh-CN"[^>]*>[^<]*</\1>', "", page)  # says itself that it is Chinese: a name of a cell
    text = re.sub(r"<[^>]*>", "\n", page)
    return sorted({found.strip() for found in text.split("\n") if OURS.search(found) and not DATA.search(found)})


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<!doctype html><html lang=zh><title>x</title><body><main><p><div></p></main>", "expected"),
        ('<!doctype html><html lang=zh><title>x</title><main><i id="a"></i><i id="a"></i></main>', "2 times"),
        ('<!doctype html><html lang=zh><title>x</title><main><input name="a"></main>', "no label"),
        ("<!doctype html><html lang=zh><title>x</title><main><button></button></main>", "without words"),
        ('<!doctype html><html lang=zh><title>x</title><main><label for="b">b</label></main>', "not there"),
        ("<!doctype html><html><title>x</title><main></main>", "language"),
        ('<!doctype html><html lang=zh><title>x</title><main><p onclick="x()">y</p></main>', "onclick"),
    ],
)
def test_a_planted_fault_is_found(page: str, fault: str) -> None:
    assert any(fault in each for each in faults(page)), faults(page)


def test_a_sound_page_has_no_faults() -> None:
    body = '<main><label>名字<input name="a"></label></main>'
    page = f'<!doctype html><html lang="zh"><head><title>好</title></head><body>{body}</body></html>'
    assert faults(page) == []


def test_planted_chinese_on_an_english_page_is_found() -> None:
    assert left_in_chinese("<p>Name: 李秀兰</p><p>没有翻译</p>") == ["没有翻译"]
    assert left_in_chinese('<b lang="zh-CN">人数</b><p lang="en">没有翻译</p>') == ["没有翻译"]
