"""`manage.py seed`: the whole catalogue at once, people only where they are for show."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.roles import Role
from catalog import records
from catalog.models import FoundationModel, Site
from jobs.management.commands.seed import DEMONSTRATION_SITE

pytestmark = pytest.mark.django_db


def seed(**options) -> str:
    out = StringIO()
    call_command("seed", stdout=out, **options)
    return out.getvalue()


def test_the_embedded_mode_gets_its_site_and_people(settings):
    settings.EMBEDDED = True
    said = seed()
    assert "FoundationModel: 42 created" in said
    people = User.objects.filter(role_grants__site_slug=DEMONSTRATION_SITE)
    assert {person.role_grants.get().role for person in people} == {Role.HELPDESK, Role.OPERATOR}
    assert all(person.is_demonstration for person in people)
    assert Site.objects.get(slug=DEMONSTRATION_SITE).is_connected


def test_elsewhere_nobody_is_invented(settings):
    settings.EMBEDDED = False
    seed()
    assert not User.objects.exists()
    assert not Site.objects.filter(slug=DEMONSTRATION_SITE).exists()


def test_running_it_again_says_that_nothing_changed(settings):
    settings.EMBEDDED = True
    seed()
    assert "The catalogue is up to date." in seed()


def test_it_names_what_it_keeps_when_asked(settings):
    settings.EMBEDDED = False
    seed()
    FoundationModel.objects.filter(slug="phi-4").update(note="Ours")
    assert "1 rows keep what a person edited" in seed()
    assert "FoundationModel Phi 4: note" in seed(verbosity=2)


def test_a_bad_record_loads_nothing(settings, monkeypatch):
    def broken() -> list[records.SiteRecord]:
        raise records.RecordError("sites.yaml, sites record 3 (x): wrong")

    monkeypatch.setattr(records, "sites", broken)
    with pytest.raises(CommandError, match=r"Nothing was loaded\. sites\.yaml"):
        seed()
    assert not FoundationModel.objects.exists()
