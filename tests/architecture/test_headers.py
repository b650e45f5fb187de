"""What every answer carries: a policy without exceptions, and nothing a browser could guess wrongly."""

import pytest
from django.urls import reverse

from tests.factories import make_sme, make_user


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", "account_login", "account_signup", "catalog:models", "jobs:dashboard"])
def test_pages_carry_the_strict_policy(client, name):
    user = make_user()
    make_sme(owner=user)
    if name == "jobs:dashboard":
        client.force_login(user)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_cookies_are_closed_to_scripts(client):
    make_user(email="ana@example.eu", password="correct-horse-battery")
    client.get(reverse("account_login"))
    cookie = client.cookies["csrftoken"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.django_db
def test_health_says_ok(client):
    assert client.get(reverse("health")).json()["status"] == "ok"
