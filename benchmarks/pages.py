"""Fifty people, each asking for one page and then pausing for a second: p95 of reading and of writing."""

import asyncio
import os
import statistics
import time
from collections import defaultdict
from html.parser import HTMLParser

import httpx

from benchmarks._embedded import data_folder, running, show

PEOPLE, SECONDS, PAUSE = 50, 30, 1.0
EMAIL, PASSWORD = "ana@example.eu", "nordlys-demo-2026"
READ = ("/models/", "/sites/", "/access/", "/allocations/", "/jobs/", "/results/", "/fine-tuning/", "/public-support/")
WRITE = "/profile/"


class Form(HTMLParser):
    """The fields of the page's form that holds a named field of ours, as a browser would send them unchanged."""

    def __init__(self, text: str, *, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action = action
        self._inside = False
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "form":
            self._inside = found.get("method") == "post" and found.get("action") in (None, "", self._action)
        if not self._inside:
            return
        name = found.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in found or self._select not in self.fields):
            self.fields[self._select] = found.get("value") or ""
        elif tag == "input" and name and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.fields[name] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


async def sign_in(client: httpx.AsyncClient) -> None:
    page = await client.get("/account/login/")
    fields = Form(page.text, action="/account/login/").fields | {"login": EMAIL, "password": PASSWORD}
    answer = await client.post("/account/login/", data=fields, headers={"Referer": str(page.url)})
    if "login" in str(answer.url):
        raise SystemExit("The demonstration account could not sign in.")


async def person(number: int, cookies: httpx.Cookies, url: str, until: float, times: dict[str, list[float]]) -> None:
    """One person with a browser of her own: reads five pages, saves one form, and so on."""
    async with httpx.AsyncClient(base_url=url, cookies=cookies, timeout=60, follow_redirects=False) as client:
        form = Form((await client.get(WRITE)).text, action=WRITE).fields
        await asyncio.sleep(number / PEOPLE)
        turn = number
        while time.monotonic() < until:
            turn += 1
            began = time.perf_counter()
            if turn % 6:
                kind, answer = "read", await client.get(READ[turn % len(READ)])
            else:
                kind, answer = "write", await client.post(WRITE, data=form, headers={"Referer": url + WRITE})
            times[kind].append(time.perf_counter() - began)
            times[f"answered {answer.status_code}"].append(0)
            await asyncio.sleep(PAUSE)


async def measure(url: str) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    async with httpx.AsyncClient(base_url=url, timeout=60, follow_redirects=True) as client:
        await sign_in(client)
        until = time.monotonic() + SECONDS
        await asyncio.gather(*(person(number, client.cookies, url, until, times) for number in range(PEOPLE)))
    return times


def p95(values: list[float]) -> str:
    return f"{statistics.quantiles(values, n=20)[-1] * 1000:.0f} ms" if len(values) > 20 else "too few"


def main() -> None:
    show("load before the start (1 minute)", f"{os.getloadavg()[0]:.1f}", "1.5, else not valid")
    with data_folder() as layout, running(layout, "--without-site") as (address, _seconds):
        times = asyncio.run(measure(address.url))
    for kind, budget in (("read", "200 ms"), ("write", "400 ms")):
        show(f"p95 {kind}, {len(times[kind])} requests", p95(times[kind]), budget)
    for kind in sorted(times):
        if kind.startswith("answered"):
            show(kind, str(len(times[kind])))
