"""What every browser test shares: a real Chromium, axe, and the promise that the console stays quiet.

    @pytest.mark.browser
    def test_models_page_is_accessible(browser, live_server):
        for page in every_look(browser):
            page.goto(f"{live_server.url}/models/")
            axe(page)
            no_sideways_scroll(page)

`every_look` yields a fresh page in light and dark at 1280 and 320 pixels and fails afterwards if the console said
anything. `new_page` gives one page. The strict content security policy stays on: axe is evaluated in an isolated way
that needs no exception.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = ("light", "dark")
WIDTHS = (1280, 320)
# The headless shell is the same engine without a browser's window around it: a page costs a third of the time.
_CHROMIUMS = ("/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser")
CHROMIUM = os.environ.get("CHROMIUM") or next((path for path in _CHROMIUMS if Path(path).exists()), _CHROMIUMS[1])
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Playwright's synchronous interface keeps an event loop in this thread; Django would take the test for asynchronous
# code and refuse it the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium; nothing is downloaded. Tests get the same one from pytest's `browser` fixture."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


class Console:
    """Everything the page complained about: errors, warnings, failed requests, policy violations."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.on("requestfailed", self._on_failure)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A refusal page is answered with its status code, which Chromium repeats here; tests expect it themselves.
        if message.type in ("error", "warning") and "the server responded with a status of" not in message.text:
            self.said.append(f"{message.type}: {message.text}")

    def _on_failure(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.said.append(f"failed: {request.url} {request.failure}")


def no_console_errors(console: Console) -> None:
    assert not console.said, "\n".join(console.said)


@contextmanager
def new_page(
    browser: Browser,
    *,
    theme: str = "light",
    width: int = 1280,
    height: int = 900,
    javascript: bool = True,
    quiet: bool = True,
    **options: Any,
) -> Iterator[Page]:
    """One page in its own context. With `quiet` the console must have stayed empty at the end."""
    context = browser.new_context(
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": width, "height": height},
        java_script_enabled=javascript,
        reduced_motion="reduce",
        locale="en-GB",
        **options,
    )
    if not javascript and theme == "dark":
        raise ValueError("Without scripts the theme follows the cookie, not the device; set op-theme yourself.")
    page = context.new_page()
    console = Console(page)
    try:
        yield page
        if quiet:
            no_console_errors(console)
    finally:
        context.close()


def every_look(
    browser: Browser, themes: tuple[str, ...] = THEMES, widths: tuple[int, ...] = WIDTHS, **options: Any
) -> Iterator[Page]:
    """The same page in every theme and width, one after the other."""
    for theme in themes:
        for width in widths:
            with new_page(browser, theme=theme, width=width, **options) as page:
                yield page


def axe(page: Page, *, within: str | None = None, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Asserts that axe finds nothing (WCAG 2.2 A and AA and best practice); gives its result, for "incomplete"."""
    page.evaluate(AXE)
    result: dict[str, Any] = page.evaluate(
        """([within, rules, without]) => axe.run(within || document, {
            runOnly: {type: "tag", values: rules},
            rules: Object.fromEntries(without.map((rule) => [rule, {enabled: false}])),
            resultTypes: ["violations", "incomplete"],
        })""",
        [within, RULES, list(without)],
    )
    found = [
        f"{one['id']} ({one['impact']}): {one['help']}\n    "
        + "\n    ".join(
            f"{node['target']} {node['html'][:160]} {node.get('failureSummary', '')}" for node in one["nodes"][:5]
        )
        for one in result["violations"]
    ]
    assert not found, f"axe at {page.url} {page.viewport_size}:\n" + "\n".join(found)
    return result


def no_sideways_scroll(page: Page) -> None:
    """The page itself never scrolls sideways; wide tables scroll inside their own region."""
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    if wide > seen:
        guilty = page.evaluate(
            """(limit) => [...document.querySelectorAll("body *")]
                .map((node) => [Math.round(node.getBoundingClientRect().right), node])
                .filter(([right, node]) => right > limit + 1 && !node.closest(".op-scroll, .op-log"))
                .slice(0, 8).map(([right, node]) => `${right} ${node.outerHTML.slice(0, 140)}`)""",
            seen,
        )
        raise AssertionError(f"{page.url} is {wide} pixels wide in a window of {seen}:\n" + "\n".join(guilty))


def sign_in(page: Page, server_url: str, user: Any) -> None:
    """Signs the person in by a session of the server's own making, without the form."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    page.context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                "url": server_url,
            }
        ]
    )
