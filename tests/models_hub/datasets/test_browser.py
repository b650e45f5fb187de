"""The pages of data in a real Chromium: accessible in every look, and a file's whole way with and without scripts."""

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from models_hub.datasets import checking
from models_hub.models import Dataset
from portal.kernel.clock import now
from tests.browser import axe, every_look, new_page, no_sideways_scroll, sign_in
from tests.factories import make_organisation, make_user
from tests.models_hub.datasets.conftest import labelled_csv
from tests.models_hub.datasets.test_services import make_upload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def person():
    owner = make_user()
    make_organisation(owner=owner)
    return owner


def states(owner):
    """One data set in each state that a page shows."""
    made = {
        "ready": make_upload(owner, labelled_csv(bad=2) + b"write to anna@example.org today,repair\n"),
        "rejected": make_upload(owner, b"%PDF-1.7 letter"),
        "mapping": make_upload(owner, labelled_csv(header="a,b"), kind="chat"),
    }
    for dataset in made.values():
        checking.check_now(dataset_id=dataset.pk, clock=now)
    made["waiting"] = make_upload(owner, labelled_csv(50))
    return made


def addresses(made):
    shown = {f"dataset-{name}": reverse("models_hub:dataset", args=[dataset.pk]) for name, dataset in made.items()}
    return shown | {
        "datasets": reverse("models_hub:datasets"),
        "dataset-upload": reverse("models_hub:dataset_upload"),
        "dataset-columns": reverse("models_hub:dataset_mapping", args=[made["mapping"].pk]),
        "dataset-delete": reverse("models_hub:dataset_delete", args=[made["ready"].pk]),
    }


def test_every_page_of_data_is_accessible_in_every_look(browser: Browser, live_server, person):
    made = states(person)
    for page in every_look(browser):
        sign_in(page, live_server.url, person)
        for name, address in addresses(made).items():
            page.goto(live_server.url + address)
            axe(page)
            no_sideways_scroll(page)
            if folder := os.environ.get("SHOTS"):
                page.screenshot(path=Path(folder) / f"{name}-{page.viewport_size['width']}.png", full_page=True)


def test_an_empty_list_is_accessible(browser: Browser, live_server, person):
    for page in every_look(browser, widths=(320,)):
        sign_in(page, live_server.url, person)
        page.goto(live_server.url + reverse("models_hub:datasets"))
        axe(page)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_file_goes_its_whole_way(browser: Browser, live_server, person, tmp_path, javascript):
    path = tmp_path / "messages.csv"
    path.write_bytes(labelled_csv())
    with new_page(browser, javascript=javascript) as page:
        sign_in(page, live_server.url, person)
        page.goto(live_server.url + reverse("models_hub:dataset_upload"))
        page.get_by_label("Texts with labels").check()
        page.get_by_label("File").set_input_files(path)
        page.get_by_role("button", name="Upload and check").click()
        expect(page.get_by_text("We are checking your file")).to_be_visible()
        checking.check_now(dataset_id=Dataset.objects.get().pk, clock=now)
        if not javascript:
            page.get_by_role("link", name="Look again").click()
        expect(page.get_by_text("120 of 120 rows can be used")).to_be_visible()
