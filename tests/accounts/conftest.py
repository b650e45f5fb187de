"""What the tests of this app share: people with roles, signed in."""

import pytest
from django.core.cache import cache

from accounts.roles import Role
from tests.factories import grant, make_organisation, make_user


@pytest.fixture(autouse=True)
def no_rate_limits_from_other_tests():
    cache.clear()


@pytest.fixture
def owner(db):
    return make_user(full_name="Olga Owner")


@pytest.fixture
def organisation(owner):
    return make_organisation(owner=owner)


@pytest.fixture
def member(organisation):
    somebody = make_user(full_name="Max Member")
    grant(somebody, Role.MEMBER, organisation=organisation)
    return somebody


@pytest.fixture
def stranger(db):
    """The owner of another organisation."""
    somebody = make_user()
    make_organisation(owner=somebody)
    return somebody


@pytest.fixture
def signed_in(client):
    def sign_in(person):
        client.force_login(person)
        return client

    return sign_in
