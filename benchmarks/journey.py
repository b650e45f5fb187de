"""Machine time of the scripted journey in a browser, from a first visit to a started run, without the training."""

import time

from playwright.sync_api import sync_playwright

from benchmarks._embedded import data_folder, running, show
from benchmarks.startup import wait_for_store
from tests.browser import launch, new_page
from tests.journeys.walk import Walker


def main() -> None:
    with data_folder() as layout, running(layout) as (address, _seconds):
        wait_for_store(layout)
        with sync_playwright() as playwright:
            chromium = launch(playwright)
            with new_page(chromium, quiet=False) as page:
                walker = Walker(page, address.url)
                walker.wait_for_model("minilm-demo")
                total = sum(_timed(walker, step) for step in STEPS)
            chromium.close()
        show("whole journey up to the started run", f"{total:.1f} s", "60 s")


STEPS = {
    "sign up": lambda walker: walker.sign_up(),
    "found a company": lambda walker: walker.found_company(),
    "company figures and declaration of size": lambda walker: walker.enter_figures_and_sign(),
    "declaration of other support": lambda walker: walker.declare_no_other_aid(),
    "starter hours, granted": lambda walker: walker.get_starter_hours(),
    "wizard, with the check of sample data": lambda walker: walker.wizard(
        recipe="classify",
        model="minilm-demo",
        sample="support-topics",
        variant=("effort", "standard"),
        name="Journey",
    ),
    "start the run": lambda walker: walker.start(),
}


def _timed(walker: Walker, step: str) -> float:
    began = time.monotonic()
    STEPS[step](walker)
    seconds = time.monotonic() - began
    show(step, f"{seconds:.1f} s")
    return seconds
