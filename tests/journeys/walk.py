"""The steps of a journey, each done the way a person does it: by labels and buttons."""

import itertools
import re
import time
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from portal.kernel.clock import today

PASSWORD = "a-long-enough-passphrase-7"
_people = itertools.count(1)
TRAINING_MINUTES = 15


@dataclass
class Walker:
    """One person in one browser window."""

    page: Page
    url: str

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=False).first.click()
        self.page.wait_for_load_state()

    def sign_up(self) -> str:
        """A new person with a password; the code comes from the outbox page. Returns the address."""
        address = f"journey{next(_people)}-{time.time_ns() % 10**9}@example.eu"
        self.go("/account/signup/")
        self.page.locator("input[name=full_name]").fill("Jo Journey")
        self.page.locator("input[name=email]").fill(address)
        self.page.locator("input[name=password1]").fill(PASSWORD)
        self.press("Create account")
        code_page = self.page.url
        self.go("/outbox/")
        mail = self.page.locator("section", has_text=address).first.inner_text()
        found = re.search(r"^\s*([A-Z0-9-]{6,12})\s*$", mail, re.MULTILINE)
        assert found, mail
        self.page.goto(code_page)
        self.page.locator("input[name=code]").fill(found.group(1))
        self.page.locator("input[name=code]").press("Enter")
        self.page.wait_for_load_state()
        assert "/account/" not in self.page.url, self.page.url
        return address

    def sign_in(self, address: str, password: str) -> None:
        self.go("/account/login/")
        self.page.locator("input[name=login]").fill(address)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("input[name=password]").press("Enter")
        self.page.wait_for_load_state()
        assert "/account/" not in self.page.url, self.page.url

    def found_company(self) -> None:
        self.go("/organisation/new/")
        self.page.get_by_label("Legal name").fill("Journey Looms S.à r.l.")
        self.page.get_by_label("Country").select_option("LU")
        self.page.get_by_label("EUID").fill(f"LURCSL.B{time.time_ns() % 10**7}")
        self.page.get_by_label("Main activity").fill("13.20")
        self.page.get_by_label("Street and number").fill("12 rue du Métier")
        self.page.get_by_label("Town").fill("Esch")
        self.press("Register")

    def enter_figures_and_sign(self) -> None:
        """The interview of a company that stands alone, up to its signed statement."""
        self.go("/organisation/figures/")
        self.page.locator("main").get_by_role("link", name="Start").click()
        self.page.locator("[name=owners][value=person]").check()
        self.press("Continue")
        choose(self.page, "holds", "no")
        choose(self.page, "control", "no")
        self.press("Continue")
        choose(self.page, "changed", "no")
        self.press("Continue")
        self.page.locator("[name=year_end]").fill(last_closed_year())
        self.page.locator("[name=headcount_awu]").fill("14.5")
        self.page.locator("[name=turnover_eur]").fill("2100000")
        self.page.locator("[name=balance_sheet_eur]").fill("1300000")
        choose(self.page, "basis", "approved")
        self.press("Save and continue")
        self.page.locator("[name=name]").fill("Jo Journey")
        self.page.locator("[name=position]").fill("Managing director")
        self.page.locator("[name=confirmed]").check()
        self.press("Sign the statement")
        expect(self.page.get_by_text("Small enterprise").first).to_be_visible()

    def declare_no_other_aid(self) -> None:
        self.go("/public-support/declare/")
        choose(self.page, "other_aid", "none")
        self.page.locator("[name=signer_name]").fill("Jo Journey")
        self.page.locator("[name=signer_position]").fill("Managing director")
        self.page.locator("[name=signed]").check()
        self.press("Sign the declaration")

    def fill_request(self) -> None:
        self.page.get_by_label("Short name of the project").fill("Sort our post")
        self.page.get_by_label("What do you want to do?").fill(
            "Sort incoming customer messages by topic, in five languages."
        )
        self.page.locator("[name=partition]").first.check()
        self.page.get_by_label("Where does your data come from").fill("Our own messages of 2025.")
        choose(self.page, "personal_data", "False")
        self.page.locator("[name=ai_act_confirm]").check()

    def get_starter_hours(self) -> None:
        self.go("/access/new/")
        self.press("Choose Starter")
        self.fill_request()
        self.press("Check and send")
        expect(self.page.get_by_text("The published rules")).to_be_visible()
        self.press("Get the hours")
        expect(self.page.get_by_text("GPU-hours are yours")).to_be_visible()

    def ask_for_playground_hours(self, hours: int) -> None:
        self.go("/access/new/")
        self.press("Choose Playground")
        self.fill_request()
        self.page.get_by_label("GPU-hours you ask for").fill(str(hours))
        self.page.locator("[name=months]").first.check()
        self.press("Check and send")
        self.press("Send the request")
        expect(self.page.get_by_text("decides no later than")).to_be_visible()

    def approve_the_oldest_request(self, hours: int) -> None:
        self.go("/helpdesk/")
        self.page.locator("tbody a").first.click()
        self.page.wait_for_load_state()
        self.page.locator("[name=outcome][value=less]").check()
        self.page.locator("[name=gpu_hours]").fill(str(hours))
        self.page.locator("[name=reason]").fill("Enough for the first rounds; ask for more when you have a result.")
        self.press("Record the decision")
        expect(self.page.get_by_text("approved").first).to_be_visible()

    def wizard(self, *, recipe: str, model: str, sample: str, variant: tuple[str, str], name: str) -> None:
        """The five steps up to the last page, nothing started yet."""
        self.wait_for_model(model)
        self.go("/fine-tuning/")
        self.page.locator(f"form:has(input[name=recipe][value={recipe}]) button").click()
        self.page.wait_for_load_state()
        self.page.locator(f"[name=goal][value={recipe}]").check()
        self.page.locator(f"[name=base_model][value={model}]").check()
        self.page.locator("[name=name]").fill(name)
        self.press("Continue to your data")
        self.page.locator(f"form:has(input[name=sample][value={sample}]) button").click()
        self.wait_for_data()
        self.page.locator("[name=dataset]").first.check()
        choose(self.page, "personal_data", "none")
        self.page.locator("[name=rights]").check()
        self.press("Continue to training")
        self.page.locator(f"[name={variant[0]}][value={variant[1]}]").check()
        self.page.locator("[name=place]").first.check()
        self.press("Continue to evaluation")
        self.page.locator("[name=intended_use]").fill("Sorting the incoming messages of our customer service.")
        if self.page.locator("[name=high_risk]").count():
            choose(self.page, "high_risk", "none")
        for box in ("prohibited", "licence_accepted"):
            self.page.locator(f"[name={box}]").check()
        self.press("Continue to the last check")
        expect(self.page.get_by_role("heading", name="Check and start")).to_be_visible()

    def wait_for_model(self, slug: str) -> None:
        """The embedded site fills its store in the background; its model page says when it is ready."""
        for _ in range(300):
            self.go("/models/?ready=on")
            if self.page.locator(f"a[href$='/models/{slug}/']").count():
                return
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"{slug} never became ready at a connected site")

    def wait_for_data(self) -> None:
        for _ in range(120):
            if self.page.locator("[name=dataset]").count():
                return
            self.page.wait_for_timeout(1000)
            self.page.reload()
        raise AssertionError("the sample was never checked: " + self.page.locator("main").inner_text()[:2000])

    def start(self) -> str:
        """Starts the run and returns the job page's address."""
        self.press("Start the run")
        expect(self.page).to_have_url(re.compile(r"/jobs/[0-9a-f-]{36}/"))
        return self.page.url

    def wait_for_end(self, job_url: str) -> str:
        """The state's word at the end. Reloads now and then; the page also updates by itself."""
        end = time.monotonic() + TRAINING_MINUTES * 60
        words = re.compile(r"^(Finished|Failed|Stopped)$")
        while time.monotonic() < end:
            self.page.goto(job_url)
            tag = self.page.locator("main .op-tag").filter(has_text=words).first
            if tag.count():
                return tag.inner_text().strip()
            self.page.wait_for_timeout(2000)
        raise AssertionError("the job did not end: " + self.page.locator("main").inner_text()[:3000])


def last_closed_year() -> str:
    return f"{today().year - 1}-12-31"


def choose(page: Page, name: str, *values: str) -> None:
    """Checks the radio button or picks the option with the first of these values that exists."""
    for value in values:
        radio = page.locator(f"input[name={name}][value='{value}']")
        if radio.count():
            radio.check()
            return
        if page.locator(f"select[name={name}] option[value='{value}']").count():
            page.locator(f"select[name={name}]").select_option(value)
            return
    offered = page.locator(f"[name={name}]").evaluate_all("nodes => nodes.map(n => n.value || n.outerHTML)")
    raise AssertionError(f"{name} offers {offered}, not one of {values}")
