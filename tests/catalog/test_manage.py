"""An administrator edits the catalogue; nobody else does, and every change is on record."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import get_resolver, reverse

from accounts.models import AuditEvent
from accounts.roles import Role
from catalog.manage.forms import AccessModeForm, FoundationModelForm, PartitionForm, SiteForm
from catalog.manage.services import change_access_mode, save_record
from catalog.models import AccessMode, FoundationModel, Site
from catalog.seeding import seed_catalogue
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_access_mode, make_foundation_model, make_partition, make_site, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(settings):
    settings.EMBEDDED = True
    user = make_user(is_demonstration=True)
    grant(user, Role.ADMINISTRATOR)
    return user


@pytest.fixture
def signed_in(client, administrator):
    client.force_login(administrator)
    return client


def addresses() -> list[str]:
    site, mode, model = make_site(), make_access_mode(), make_foundation_model()
    partition = make_partition(site=site)
    return [
        reverse("catalog:manage"),
        reverse("catalog:site_add"),
        reverse("catalog:site_edit", args=[site.slug]),
        reverse("catalog:partition_add", args=[site.slug]),
        reverse("catalog:partition_edit", args=[site.slug, partition.pk]),
        reverse("catalog:rate_add", args=[partition.pk]),
        reverse("catalog:rates", args=[partition.pk]),
        reverse("catalog:access_add"),
        reverse("catalog:access_edit", args=[mode.pk]),
        reverse("catalog:model_add"),
        reverse("catalog:model_edit", args=[model.slug]),
    ]


def test_every_administration_page_is_in_the_role_check():
    names = {name for name in get_resolver().namespace_dict["catalog"][1].reverse_dict if isinstance(name, str)}
    assert len([name for name in names if name.endswith(("_add", "_edit"))]) == len(addresses()) - 2


def test_an_administrator_opens_every_page(signed_in):
    for address in addresses():
        assert signed_in.get(address).status_code == 200, address


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.HELPDESK, None])
def test_nobody_else_gets_in(client, settings, role):
    settings.EMBEDDED = True
    user = make_user(is_demonstration=True)
    if role:
        grant(user, role, site_slug="somewhere" if role == Role.HELPDESK else "")
    client.force_login(user)
    for address in addresses():
        assert client.get(address).status_code == 403, address
        assert client.post(address).status_code == 403, address
    card = make_partition().rate_cards.get()
    for name in ("rate_approve", "rate_withdraw"):
        assert client.post(reverse(f"catalog:{name}", args=[card.pk])).status_code == 403


def test_a_visitor_is_asked_to_sign_in(client):
    for address in addresses():
        assert client.get(address).status_code == 302, address


def filled(form) -> dict[str, str]:
    """What a browser would send back for an unchanged form."""
    data = {}
    for bound in form:
        value = bound.value()
        prepared = bound.field.prepare_value(value)
        if bound.widget_type == "nullbooleanselect":
            prepared = {True: "true", False: "false"}.get(prepared, "unknown")
        if prepared is None or prepared is False:
            continue
        data[bound.html_name] = "on" if prepared is True and bound.widget_type == "checkbox" else prepared
    return data


def test_an_edited_site_is_saved_and_recorded(signed_in):
    site = make_site()
    data = {**filled(SiteForm(instance=site)), "pue": "1.08"}
    response = signed_in.post(reverse("catalog:site_edit", args=[site.slug]), data)
    assert response.status_code == 302, response.context["form"].errors
    assert Site.objects.get(pk=site.pk).pue == Decimal("1.08")
    event = AuditEvent.objects.get(action="catalog.site_changed")
    assert event.data["changes"] == {"pue": ["1.3", "1.08"]}


def test_saving_an_unchanged_site_records_nothing(signed_in):
    site = make_site()
    site.refresh_from_db()
    signed_in.post(reverse("catalog:site_edit", args=[site.slug]), filled(SiteForm(instance=site)))
    assert not AuditEvent.objects.exists()


def test_a_pue_below_one_is_refused_beside_its_field(signed_in):
    site = make_site()
    data = {**filled(SiteForm(instance=site)), "pue": "0.9"}
    response = signed_in.post(reverse("catalog:site_edit", args=[site.slug]), data)
    assert response.status_code == 422
    assert "pue" in response.context["form"].errors


def test_new_hardware_is_added_to_its_site(signed_in):
    site = make_site()
    data = {**filled(PartitionForm(instance=make_partition())), "name": "new-gpu"}
    response = signed_in.post(reverse("catalog:partition_add", args=[site.slug]), data)
    assert response.status_code == 302, response.context["form"].errors
    assert site.partitions.get().name == "new-gpu"


def test_two_partitions_of_a_site_cannot_share_a_name(signed_in):
    partition = make_partition()
    data = filled(PartitionForm(instance=partition))
    response = signed_in.post(reverse("catalog:partition_add", args=[partition.site.slug]), data)
    assert "name" in response.context["form"].errors


def test_a_rate_form_without_evidence_is_refused(signed_in):
    partition = make_partition()
    data = {"eur_per_gpu_hour": "3", "method": "host_tariff", "valid_from": "2026-12-01"}
    response = signed_in.post(reverse("catalog:rate_add", args=[partition.pk]), data)
    assert "evidence" in response.context["form"].errors


def test_services_refuse_whoever_may_not():
    with pytest.raises(NotAllowed):
        save_record(record=make_site(), actor=make_user())


def test_new_terms_become_a_new_version(administrator):
    site = make_site()
    mode = make_access_mode(max_gpu_hours=5000, valid_from=date(2026, 1, 1))
    day = date(2027, 1, 1)
    new = change_access_mode(
        mode=mode, changes={"max_gpu_hours": 4000}, sites=[site], valid_from=day, actor=administrator
    )
    mode.refresh_from_db()
    assert (mode.max_gpu_hours, mode.valid_to) == (5000, date(2026, 12, 31))
    assert (new.code, new.max_gpu_hours, new.valid_from, new.valid_to) == (mode.code, 4000, day, None)
    assert list(new.sites.all()) == [site]


def test_new_terms_need_a_later_day(administrator):
    mode = make_access_mode(valid_from=date(2026, 1, 1))
    with pytest.raises(DomainError, match="terms_overlap"):
        change_access_mode(
            mode=mode, changes={"max_gpu_hours": 1}, sites=[], valid_from=mode.valid_from, actor=administrator
        )
    assert AccessMode.objects.count() == 1


def test_wording_changes_without_a_new_version(signed_in):
    mode = make_access_mode(valid_from=date(2026, 1, 1))
    data = {**filled_mode(mode), "summary": "Better words"}
    response = signed_in.post(reverse("catalog:access_edit", args=[mode.pk]), data)
    assert response.status_code == 302, response.context["form"].errors
    assert AccessMode.objects.get().summary == "Better words"


def filled_mode(mode) -> dict:
    return filled(AccessModeForm(initial=AccessModeForm.initial_of(mode)))


def test_a_new_way_to_access_is_published(signed_in):
    site = make_site()
    data = {
        "code": "summer", "name": "Summer call", "summary": "For July", "decided_by": "helpdesk", "min_gpu_hours": "1",
        "max_gpu_hours": "100", "months": "1, 2", "decision_working_days": "3", "sites": [site.slug], "is_open": "on",
        "position": "9", "valid_from": "2026-11-01",
    }  # fmt: skip
    response = signed_in.post(reverse("catalog:access_add"), data)
    assert response.status_code == 302, response.context["form"].errors
    mode = AccessMode.objects.get(code="summer")
    assert (mode.months, list(mode.sites.all())) == ([1, 2], [site])


def test_an_edited_model_is_found_by_its_new_words_at_once(signed_in):
    seed_catalogue(demonstration=False)
    model = FoundationModel.objects.get(slug="phi-4")
    data = {**filled(FoundationModelForm(instance=model)), "summary": "Splendid for zeppelins"}
    response = signed_in.post(reverse("catalog:model_edit", args=["phi-4"]), data)
    assert response.status_code == 302, response.context["form"].errors
    assert [one.slug for one in FoundationModel.objects.search("zeppelins")] == ["phi-4"]


def test_a_verified_shape_must_give_its_parameters(signed_in):
    seed_catalogue(demonstration=False)
    model = FoundationModel.objects.get(slug="phi-4")
    data = {**filled(FoundationModelForm(instance=model)), "layers": "20"}
    response = signed_in.post(reverse("catalog:model_edit", args=["phi-4"]), data)
    assert response.status_code == 422
    assert "params" in response.context["form"].errors
