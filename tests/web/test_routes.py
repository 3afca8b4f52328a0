"""The app's addresses are those of the library it takes them from, put together only when one is asked for."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import Map, Rule

from webapp.kit import clock
from webapp.web.routes import Route


def test_every_route_waits_until_it_is_asked_for_and_then_says_what_the_library_says(app: Flask) -> None:
    rules = list(app.url_map.iter_rules())
    assert len(rules) > 300 and all(isinstance(rule, Route) for rule in rules)
    bound = app.url_map.bind("localhost")
    for rule in rules:
        given = {name: _example(rule, name) for name in rule.arguments} | {"beside": "x y"}
        plain = Rule(rule.rule, endpoint="here", defaults=rule.defaults, methods=["GET"])
        said = Map([plain], converters=app.url_map.converters).bind("localhost").build("here", given)
        if (rule.methods or set()) >= {"GET"}:
            assert bound.build(rule.endpoint, given, method="GET") == said, rule.rule


def test_a_route_is_compiled_once_and_by_its_first_address() -> None:
    made: list[str] = []

    class Counting(Route):
        def _compile_builder(self, append_unknown: bool = True):  # type: ignore[no-untyped-def]
            wait = super()._compile_builder(append_unknown)

            def first(rule: Rule, **values: object) -> tuple[str, str]:
                made.append(self.rule)
                return wait(rule, **values)

            return first

    bound = Map([Counting("/a/<n>", endpoint="a"), Counting("/b", endpoint="b")]).bind("localhost")
    assert made == []
    assert [bound.build("a", {"n": "1"}), bound.build("a", {"n": "2"}), bound.build("b")] == ["/a/1", "/a/2", "/b"]
    assert made == ["/a/<n>", "/b"]


def _example(rule: Rule, name: str) -> object:
    kind = type(rule._converters[name]).__name__
    if kind == "UUIDConverter":
        return "01a20616-16e5-73a2-971b-0893e8a3a78e"
    if kind == "IntegerConverter":
        return clock.today().year
    if kind == "AnyConverter":
        return next(iter(sorted(rule._converters[name].items)))
    return "2026-10"
