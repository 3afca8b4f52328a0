"""A WebKitGTK window that keeps what pages store in a folder; run by Debian's own Python (package python3-gi).

MiniBrowser under WebKitWebDriver forgets everything when it ends, so it cannot show what outlives a killed browser. Reads
one JSON line a command, {"go": url} or {"run": body of an async function}, and answers each with one JSON line.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402

FOLDER = sys.argv[1]


def main() -> None:
    """Open the window and obey."""
    manager = WebKit2.WebsiteDataManager(base_data_directory=f"{FOLDER}/data", base_cache_directory=f"{FOLDER}/cache")
    context = WebKit2.WebContext.new_with_website_data_manager(manager)
    context.get_cookie_manager().set_persistent_storage(f"{FOLDER}/cookies", WebKit2.CookiePersistentStorage.SQLITE)
    context.set_preferred_languages(["zh-CN"])
    view = WebKit2.WebView.new_with_context(context)
    view.get_settings().set_enable_write_console_messages_to_stdout(False)
    window = Gtk.Window(default_width=360, default_height=780)
    window.add(view)
    window.show_all()
    threading.Thread(target=_listen, args=(view,), daemon=True).start()
    Gtk.main()


def _listen(view: Any) -> None:
    for line in sys.stdin:
        GLib.idle_add(_obey, view, json.loads(line))
    GLib.idle_add(Gtk.main_quit)


def _obey(view: Any, told: dict[str, str]) -> None:
    if "go" in told:
        view.load_uri(told["go"])
        _answer("going")
        return
    words = f"return JSON.stringify((await (async () => {{{told['run']}}})()) ?? null)"
    view.call_async_javascript_function(words, -1, None, None, None, None, _done)


def _done(view: Any, result: Any) -> None:
    try:
        _answer(json.loads(view.call_async_javascript_function_finish(result).to_string()))
    except (GLib.Error, ValueError) as error:
        _answer({"error": str(error)})


def _answer(value: Any) -> None:
    print(json.dumps(value), flush=True)


main()
