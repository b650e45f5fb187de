"""The pages of django-allauth in our looks, walked by a person who signs in."""

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page

from tests.browser import axe, every_look, new_page, no_sideways_scroll
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a-long-enough-phrase"
PAGES = (
    "account/email/",
    "account/password/change/",
    "account/2fa/",
    "account/2fa/totp/activate/",
    "account/2fa/webauthn/add/",
    "account/2fa/webauthn/",
    "account/sessions/",
    "account/logout/",
)


@pytest.fixture
def person():
    user = make_user(email="ana@nordlys.example")
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


@pytest.fixture
def site(live_server, monkeypatch) -> str:
    # Passkeys know the machine by its name, not by its number.
    return live_server.url.replace("127.0.0.1", "localhost")


def sign_in_by_form(page: Page, site: str) -> None:
    page.goto(f"{site}/account/login/")
    page.get_by_label("Email").fill("ana@nordlys.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login/" not in url)


def open_page(page: Page, address: str) -> None:
    """Opens a page that may ask for the password once more, as those that change how one signs in do."""
    page.goto(address)
    if "/reauthenticate/" in page.url:
        axe(page)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(address)


def test_account_pages_are_accessible(browser, site, person):
    for page in every_look(browser):
        sign_in_by_form(page, site)
        for path in PAGES:
            open_page(page, f"{site}/{path}")
            axe(page)
            no_sideways_scroll(page)


def test_the_qr_code_is_drawn_under_the_strict_policy(browser, site, person):
    with new_page(browser) as page:
        sign_in_by_form(page, site)
        open_page(page, f"{site}/account/2fa/totp/activate/")
        box = page.get_by_role("img", name="QR code for the authenticator app").locator("svg").bounding_box()
        assert box is not None
        assert box["width"] > 100


def test_a_wrong_password_is_said_and_focused(browser, site, person):
    with new_page(browser, quiet=False) as page:
        page.goto(f"{site}/account/login/")
        page.get_by_label("Email").fill("ana@nordlys.example")
        page.get_by_label("Password").fill("not-the-right-one")
        page.get_by_role("button", name="Sign in", exact=True).click()
        assert page.evaluate("document.activeElement.id") == "errors"
        assert page.title().startswith("Error:")
        axe(page)


def test_a_passkey_can_be_added_and_used_to_sign_in(browser, site, person):
    with new_page(browser) as page:
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        sign_in_by_form(page, site)
        open_page(page, f"{site}/account/2fa/webauthn/add/")
        page.get_by_label("Name").fill("My laptop")
        page.locator("input[type=checkbox]").check()
        page.locator("#mfa_webauthn_add").click()
        page.wait_for_url(lambda url: "/add/" not in url)
        page.context.clear_cookies()
        page.goto(f"{site}/account/login/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        assert page.get_by_text("Your account:").count() == 1
