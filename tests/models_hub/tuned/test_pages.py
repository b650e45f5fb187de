"""The list, a result's page, and what can be taken away."""

import hashlib
import io
import subprocess
import zipfile

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from models_hub.models import TunedFile, TunedModel
from tests.factories import make_organisation, make_user
from tests.models_hub.tuned.conftest import classified, make_tuned


def body(response):
    return b"".join(response.streaming_content)


def test_the_list_names_models_with_their_verdict(client, tuned):
    page = client.get(reverse("models_hub:results")).content.decode()
    assert "Mail sorter" in page
    assert "Better by 15.0 percentage points" in page


def test_an_empty_list_says_how_to_begin(client, owner):
    page = client.get(reverse("models_hub:results")).content.decode()
    assert "No models yet" in page


def test_a_result_says_first_whether_it_is_better(client, tuned):
    response = client.get(reverse("models_hub:result", args=[tuned.pk]))
    page = response.content.decode()
    assert "right on 95.0% of 100 rows" in page
    assert "Apache-2.0" in page
    assert "Free to use, also for money." in page


def test_sample_texts_are_shown_as_text(client, tuned):
    page = client.get(reverse("models_hub:result", args=[tuned.pk])).content.decode()
    assert "&lt;b&gt;my&lt;/b&gt;" in page


def test_what_was_said_stands_beside_what_was_measured(client, tuned):
    held = client.get(reverse("models_hub:result", args=[tuned.pk])).context["page"].held
    assert [(one.label, one.estimated, one.measured) for one in held] == [
        ("Time", "1 min", "46 s"),
        ("Memory", "1.20 GB", "0.97 GB"),
        ("Electricity", "0.004 kWh", "not measured here"),
    ]


def test_a_result_without_files_or_figures_is_still_a_page(client, owner):
    bare = make_tuned(owner.organisation, files={"manifest.json": b"{}"}, result={"state": "stopped"})
    assert client.get(reverse("models_hub:result", args=[bare.pk])).status_code == 200


def test_the_download_passes_sha256sum(client, tuned, tmp_path):
    response = client.get(reverse("models_hub:result_download", args=[tuned.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="mail-sorter.zip"'
    zipfile.ZipFile(io.BytesIO(body(response))).extractall(tmp_path)
    folder = tmp_path / "mail-sorter"
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "model/model.safetensors: OK" in done.stdout


def test_a_single_file_is_sent_to_be_saved(client, tuned):
    response = client.get(reverse("models_hub:result_file", args=[tuned.pk, "model/model.safetensors"]))
    assert response["Content-Disposition"] == 'attachment; filename="model.safetensors"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert hashlib.sha256(body(response)).hexdigest() == tuned.files.get(path="model/model.safetensors").sha256


@pytest.mark.parametrize("path", ["../settings.py", "model/../README.md", "nothing.bin", "/etc/passwd"])
def test_only_files_of_the_manifest_are_sent(client, tuned, path):
    url = reverse("models_hub:result_file", args=[tuned.pk, "x"])[:-1] + path
    assert client.get(url).status_code == 404


def test_a_damaged_file_is_said_before_the_first_byte(client, tuned):
    TunedFile.objects.filter(tuned_model=tuned, path="README.md").update(bytes=1)
    response = client.get(reverse("models_hub:result_download", args=[tuned.pk]))
    assert response.status_code == 410
    assert "README.md" in response.content.decode()


NAMES = ["result", "result_download", "result_sums", "result_delete"]


@pytest.mark.parametrize("name", NAMES)
def test_another_organisation_finds_nothing(client, tuned, name):
    stranger = make_user()
    make_organisation(owner=stranger)
    client.force_login(stranger)
    assert client.get(reverse(f"models_hub:{name}", args=[tuned.pk])).status_code == 404
    assert client.get(reverse("models_hub:result_file", args=[tuned.pk, "README.md"])).status_code == 404


def test_deleting_asks_first_and_takes_the_files_along(client, tuned, django_capture_on_commit_callbacks):
    url = reverse("models_hub:result_delete", args=[tuned.pk])
    stored = tuned.files.first().file
    assert client.get(url).status_code == 200
    assert stored.storage.exists(stored.name)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url)
    assert not TunedModel.objects.exists()
    assert not stored.storage.exists(stored.name)
    assert AuditEvent.objects.filter(action="result.deleted").exists()


@pytest.mark.parametrize("rows", [1, 50])
def test_the_list_asks_the_database_as_often_for_one_as_for_many(client, owner, rows, django_assert_max_num_queries):
    for _ in range(rows):
        make_tuned(owner.organisation, files={"manifest.json": b"{}"}, result=classified())
    with django_assert_max_num_queries(8):
        client.get(reverse("models_hub:results"))


def test_a_result_page_stays_within_its_queries(client, tuned, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        client.get(reverse("models_hub:result", args=[tuned.pk]))
