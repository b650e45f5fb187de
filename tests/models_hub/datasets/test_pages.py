"""The pages of data: what people see, what they may do, and what a stranger finds (nothing)."""

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from accounts.roles import Role
from models_hub.datasets import checking, receiving, services
from models_hub.models import Dataset
from models_hub.states import DatasetState
from tests.factories import grant, make_dataset, make_user, with_second_factor
from tests.models_hub.datasets.conftest import labelled_csv, upload_file

pytestmark = pytest.mark.django_db
UPLOAD = {"kind": "classification", "personal": "no", "name": "", "keep_until": ""}


def send(client, content=None, *, name="messages.csv", query="", **fields):
    file = upload_file(labelled_csv() if content is None else content, name)
    return client.post(reverse("models_hub:dataset_upload") + query, {**UPLOAD, "file": file, **fields})


def send_and_check(client, clock, content=None, **options):
    send(client, content, **options)
    dataset = Dataset.objects.latest("created_at")
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    dataset.refresh_from_db()
    return dataset


def page(client, name, *args):
    return client.get(reverse(f"models_hub:{name}", args=args))


def test_an_upload_leads_to_its_page_which_asks_again_until_the_check_is_over(client, owner, clock):
    response = send(client)
    dataset = Dataset.objects.get()
    assert response.url == reverse("models_hub:dataset", args=[dataset.pk])
    waiting = client.get(response.url).content.decode()
    assert 'hx-trigger="every 2s"' in waiting and "<noscript>" in waiting
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    ready = page(client, "dataset_status", dataset.pk).content.decode()
    assert "hx-get" not in ready
    assert "120 of 120 rows can be used" in ready


def test_the_file_s_name_becomes_the_data_set_s_where_none_is_given(client, owner):
    send(client, name="kunden.csv")
    dataset = Dataset.objects.get()
    assert (dataset.name, dataset.original_name, dataset.contains_personal_data) == ("kunden", "kunden.csv", False)


def test_an_upload_is_counted_and_hashed_while_it_arrives(client, owner):
    content = labelled_csv(40_000)
    send(client, content)
    dataset = Dataset.objects.get()
    assert dataset.upload_bytes == len(content)
    assert dataset.upload.read() == content
    assert len(dataset.upload_sha256) == 64
    assert default_storage.listdir("incoming")[1] == []


def test_a_file_above_the_limit_gets_one_sentence_and_is_not_kept(client, owner, monkeypatch, settings):
    settings.DATASET_FILE_BYTES = 10_000
    response = send(client, labelled_csv(3000))
    assert "larger than" in response.content.decode()
    assert (Dataset.objects.count(), default_storage.listdir("incoming")[1]) == (0, [])


def test_a_disk_that_fills_while_receiving_gets_one_sentence(client, owner, monkeypatch):
    monkeypatch.setattr(receiving, "RESERVE_BYTES", 1 << 62)
    response = send(client)
    assert "storage is full" in response.content.decode()
    assert Dataset.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": ""}, "This field is required"),
        ({"keep_until": "2020-01-01"}, "Choose a day in the future"),
    ],
)
def test_a_form_that_is_wrong_says_so_and_keeps_nothing(client, owner, fields, sentence):
    assert sentence in send(client, **fields).content.decode()
    assert Dataset.objects.count() == 0


def test_no_file_and_an_empty_file_are_named(client, owner):
    missing = client.post(reverse("models_hub:dataset_upload"), UPLOAD)
    assert "Choose a file." in missing.content.decode()
    assert "The file is empty." in send(client, b"").content.decode()


def test_the_way_back_to_the_wizard_is_kept_and_never_leads_elsewhere(client, owner, clock):
    response = send(client, query="?next=/fine-tuning/1/")
    assert response.url.endswith("?next=%2Ffine-tuning%2F1%2F")
    dataset = Dataset.objects.get()
    checking.check_now(dataset_id=dataset.pk, clock=clock)
    assert 'href="/fine-tuning/1/"' in client.get(response.url).content.decode()
    elsewhere = client.get(reverse("models_hub:dataset", args=[dataset.pk]) + "?next=https://evil.example/")
    assert 'href="https://evil.example' not in elsewhere.content.decode()


def test_an_upload_without_its_token_is_refused(owner):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert send(strict).status_code == 403
    assert Dataset.objects.count() == 0


def test_nobody_uploads_before_signing_in_and_no_byte_is_kept(client, db):
    response = send(client)
    assert response.status_code == 302 and "login" in response.url
    assert not default_storage.exists("incoming") or default_storage.listdir("incoming")[1] == []


def test_a_rejected_file_shows_its_sentence_and_the_way_on(client, owner, clock):
    dataset = send_and_check(client, clock, b"PK\x03\x04 xl/workbook.xml" + bytes(100))
    text = page(client, "dataset", dataset.pk).content.decode()
    assert "This is a spreadsheet (Excel)" in text
    assert "Upload another file" in text


def test_rejected_rows_are_shown_with_lines_and_can_be_downloaded(client, owner, clock):
    dataset = send_and_check(client, clock, labelled_csv(bad=3))
    text = page(client, "dataset", dataset.pk).content.decode()
    assert "Line 122: The field text is empty." in text
    response = page(client, "dataset_rejected", dataset.pk)
    assert response["Content-Disposition"] == 'attachment; filename="rejected-rows.csv"'
    assert b"".join(response.streaming_content).decode("utf-8-sig").count("The field text is empty.") == 3


def test_there_is_no_download_where_nothing_was_rejected(client, owner, clock):
    dataset = send_and_check(client, clock)
    assert page(client, "dataset_rejected", dataset.pk).status_code == 404


def test_columns_are_chosen_on_a_page_that_shows_examples(client, owner, clock):
    dataset = send_and_check(client, clock, labelled_csv(header="a,b"), kind="chat")
    url = reverse("models_hub:dataset_mapping", args=[dataset.pk])
    assert url in page(client, "dataset", dataset.pk).content.decode()
    assert "The wheel and the wheel" in client.get(url).content.decode()
    wrong = client.post(url, {"prompt": "a", "completion": "a"})
    assert "One column cannot play two parts" in wrong.content.decode()
    missing = client.post(url, {"prompt": "a"})
    assert "Choose a column, or one with the whole conversation." in missing.content.decode()
    assert client.post(url, {"prompt": "a", "completion": "b"}).status_code == 302
    dataset.refresh_from_db()
    assert (dataset.state, dataset.mapping["layout"]) == (DatasetState.UPLOADED, "pairs")


def test_a_sample_takes_one_click(client, owner):
    assert "Sample: customer messages by topic" in page(client, "datasets").content.decode()
    response = client.post(reverse("models_hub:dataset_sample"), {"sample": "support-topics"})
    dataset = Dataset.objects.get()
    assert (dataset.state, dataset.rows) == (DatasetState.READY, 560)
    text = client.get(response.url).content.decode()
    assert "560 of 560 rows can be used" in text
    assert text.count("<tr><th scope=") >= 5  # the labels


def test_a_ready_data_set_shows_three_parts_lengths_and_first_rows(client, owner):
    client.post(reverse("models_hub:dataset_sample"), {"sample": "shop-assistant"})
    text = page(client, "dataset", Dataset.objects.get().pk).content.decode()
    for words in (
        "Three parts",
        "Length of the rows",
        "The first rows, as we read them",
        "Estimated at four characters",
    ):
        assert words in text


def test_what_people_upload_is_text_and_never_markup(client, owner, clock):
    content = labelled_csv() + b"<script>alert(1)</script>,<b>bold</b>\n" * 12
    dataset = send_and_check(client, clock, b"text,label\n" + content.split(b"\n", 1)[1][::1], name="<img>.csv")
    text = page(client, "dataset", dataset.pk).content.decode()
    assert "<script>alert" not in text and "<b>bold" not in text and "<img>" not in text


def test_deleting_asks_once(client, owner, clock):
    dataset = send_and_check(client, clock)
    url = reverse("models_hub:dataset_delete", args=[dataset.pk])
    assert "cannot be brought back" in client.get(url).content.decode()
    assert client.post(url).url == reverse("models_hub:datasets")
    assert page(client, "dataset", dataset.pk).status_code == 404


ALL = ["dataset", "dataset_status", "dataset_mapping", "dataset_rejected", "dataset_delete"]


@pytest.mark.parametrize("name", ALL)
def test_another_organisation_s_data_is_not_found(client, owner, stranger, name):
    theirs = make_dataset(organisation=stranger.current_organisation)
    assert page(client, name, theirs.pk).status_code == 404
    assert client.post(reverse(f"models_hub:{name}", args=[theirs.pk])).status_code in (404, 405)
    assert Dataset.objects.get(pk=theirs.pk).state == DatasetState.READY


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_officers_of_the_portal_do_not_see_data(client, stranger, role):
    officer = with_second_factor(make_user())
    grant(officer, role)
    client.force_login(officer)
    theirs = make_dataset(organisation=stranger.current_organisation)
    assert page(client, "dataset", theirs.pk).status_code in (302, 404)


def test_a_colleague_sees_and_manages_the_same_data(client, owner, colleague):
    dataset = make_dataset(organisation=owner.current_organisation)
    client.force_login(colleague)
    assert dataset.name in page(client, "datasets").content.decode()
    assert page(client, "dataset", dataset.pk).status_code == 200


def test_somebody_without_an_organisation_is_led_to_one(client, db):
    client.force_login(make_user())
    assert page(client, "datasets").url == reverse("accounts:organisation")


def test_the_list_costs_the_same_queries_however_long_it_is(client, owner, django_assert_max_num_queries):
    for _ in range(3):
        make_dataset(organisation=owner.current_organisation)
    page(client, "datasets")
    with django_assert_max_num_queries(9):
        page(client, "datasets")


def test_an_empty_list_says_what_belongs_there(client, owner):
    assert "No data yet" in page(client, "datasets").content.decode()


def test_a_quota_that_is_full_is_said_beside_the_file(client, owner, monkeypatch):
    monkeypatch.setattr(services, "QUOTA_BYTES", 100)
    assert "Delete data you no longer need" in send(client).content.decode()
