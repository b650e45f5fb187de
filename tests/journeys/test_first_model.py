"""From a first visit to a fine-tuned model, in a real browser, with real training at a real site."""

import hashlib
import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import new_page
from tests.journeys.conftest import ROOT, Installation
from tests.journeys.walk import Walker

pytestmark = [pytest.mark.browser, pytest.mark.training]
DEMONSTRATION_PASSWORD = "nordlys-demo-2026"


def verify_download(walker: Walker, into: Path) -> dict[str, str]:
    """Downloads everything, checks each file against the manifest by hand and by the site's own command."""
    with walker.page.expect_download() as caught:
        walker.page.get_by_role("link", name=re.compile("Download all")).click()
    archive = into / "model.zip"
    caught.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(into / "model")
    (manifest_path,) = (into / "model").rglob("manifest.json")
    manifest = json.loads(manifest_path.read_text())
    for entry in manifest["files"]:
        content = (manifest_path.parent / entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["path"]
    command = [ROOT / ".venv-site/bin/python", "-m", "models_hub.training", "verify", manifest_path.parent]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return {entry["path"]: entry["sha256"] for entry in manifest["files"]}


def test_a_new_company_trains_a_classifier_and_takes_it_home(
    browser: Browser, installation: Installation, tmp_path: Path
) -> None:
    with new_page(browser, quiet=False, accept_downloads=True) as page:
        walker = Walker(page, installation.url)
        walker.sign_up()
        walker.found_company()
        walker.enter_figures_and_sign()
        walker.declare_no_other_aid()
        walker.get_starter_hours()
        walker.wizard(
            recipe="classify",
            model="minilm-demo",
            sample="support-topics",
            variant=("effort", "standard"),
            name="Post sorter",
        )
        job = walker.start()
        assert walker.wait_for_end(job) == "Finished", page.locator("main").inner_text()
        walker.go("/results/")
        page.get_by_role("link", name="Post sorter").first.click()
        expect(page.get_by_text("Before and after").first).to_be_visible()
        files = verify_download(walker, tmp_path)
        assert any(path.endswith(".safetensors") for path in files)
        result = json.loads(next((tmp_path / "model").rglob("result.json")).read_text())
        assert result["after"]["accuracy"] > result["before"]["accuracy"]
        walker.go("/usage/")
        expect(page.get_by_text("Post sorter").first).to_be_visible()


def test_a_helpdesk_officer_decides_and_a_chat_model_is_trained(
    browser: Browser, installation: Installation, tmp_path: Path
) -> None:
    with new_page(browser, quiet=False, accept_downloads=True) as page:
        walker = Walker(page, installation.url)
        walker.sign_up()
        walker.found_company()
        walker.enter_figures_and_sign()
        walker.declare_no_other_aid()
        walker.ask_for_playground_hours(40)
        with new_page(browser, quiet=False) as officers_page:
            officer = Walker(officers_page, installation.url)
            officer.sign_in("helpdesk@example.eu", DEMONSTRATION_PASSWORD)
            officer.approve_the_oldest_request(25)
        walker.go("/allocations/")
        expect(page.get_by_text("25.00 GPU-hours").or_(page.get_by_text("/ 25")).first).to_be_visible()
        walker.wizard(
            recipe="chat",
            model="tiny-llama-demo",
            sample="shop-assistant",
            variant=("method", "lora"),
            name="Shop assistant",
        )
        job = walker.start()
        assert walker.wait_for_end(job) == "Finished", page.locator("main").inner_text()
        walker.go("/results/")
        page.get_by_role("link", name="Shop assistant").first.click()
        expect(page.get_by_text("Answers side by side").first).to_be_visible()
        files = verify_download(walker, tmp_path)
        assert any("adapter" in path for path in files)
        result = json.loads(next((tmp_path / "model").rglob("result.json")).read_text())
        assert result["after"]["loss"] < result["before"]["loss"]


def test_everything_up_to_the_start_works_without_scripts(browser: Browser, installation: Installation) -> None:
    with new_page(browser, javascript=False, quiet=False) as page:
        walker = Walker(page, installation.url)
        walker.sign_up()
        walker.found_company()
        walker.enter_figures_and_sign()
        walker.declare_no_other_aid()
        walker.get_starter_hours()
        walker.wizard(
            recipe="classify",
            model="minilm-demo",
            sample="support-topics",
            variant=("effort", "quick"),
            name="No scripts",
        )
        job = walker.start()
        page.goto(job)
        expect(page.get_by_text("No scripts").first).to_be_visible()
