"""Somebody signed in who works for an organisation, and small files to upload."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from accounts.roles import Role
from tests.factories import grant, make_organisation, make_user

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LABELS = ("delivery", "invoice", "repair")
WORDS = ["wheel", "chain", "saddle", "pump", "light", "brake", "pedal", "bell", "tyre", "frame"]


def labelled_csv(rows=120, *, header="text,label", bad=0):
    lines = [header]
    lines += [
        f"The {WORDS[n % 10]} and the {WORDS[n // 10 % 10]} {'x' * (n // 100)} came late,{LABELS[n % 3]}"
        for n in range(rows)
    ]
    lines += [f",{LABELS[0]}"] * bad
    return ("\n".join(lines) + "\n").encode()


class Clock:
    """A clock that a test sets."""

    def __init__(self, at=AT):
        self.at = at

    def __call__(self):
        return self.at

    def passes(self, **units):
        self.at += timedelta(**units)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def owner(db, client):
    person = make_user()
    make_organisation(owner=person)
    client.force_login(person)
    return person


@pytest.fixture
def organisation(owner):
    return owner.current_organisation


@pytest.fixture
def stranger(db):
    person = make_user()
    make_organisation(owner=person)
    return person


@pytest.fixture
def colleague(organisation):
    person = make_user()
    grant(person, Role.MEMBER, organisation=organisation)
    return person


def upload_file(content, name="messages.csv"):
    file = BytesIO(content)
    file.name = name
    return file
