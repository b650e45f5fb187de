"""Papers: what is taken, what is refused, who may open them, and until when they can be taken back."""

import hashlib
import io
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts import paper_types
from accounts.models import Evidence
from accounts.roles import Role
from accounts.services import declare_size
from accounts.services.evidence import add_evidence, remove_evidence
from portal.kernel.errors import DomainError
from tests.accounts.size.conftest import TODAY
from tests.factories import grant, make_user, with_second_factor

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def workbook(*parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in ("[Content_Types].xml", "xl/workbook.xml", *parts):
            archive.writestr(part, "<x/>")
    return buffer.getvalue()


GOOD = [
    ("accounts.pdf", PDF, "application/pdf"),
    ("owners.PNG", b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "image/png"),
    ("scan.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
    ("owners.csv", "Name;Anteil\nMüller;33,3\n".encode(), "text/csv"),
    ("figures.xlsx", workbook(), paper_types.XLSX.media_type),
]
BAD = [
    ("page.html", b"<!doctype html><script>alert(1)</script>"),
    ("page.csv", b"<!doctype html><script>alert(1)</script>"),
    ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("program.pdf", b"MZ\x90\0\x03"),
    ("accounts.png", PDF),
    ("macro.xlsx", workbook("xl/vbaProject.bin")),
    ("archive.xlsx", b"PK\x03\x04 not really"),
    ("binary.csv", b"a;b\n\0\0\0"),
    ("no-ending", PDF),
]


def send(client, name, content, **more):
    data = {"subject": "accounts", "title": "Annual accounts 2025", "file": SimpleUploadedFile(name, content), **more}
    return client.post(reverse("accounts:size_papers"), data)


@pytest.mark.parametrize(("name", "content", "media_type"), GOOD)
def test_a_paper_is_kept_with_its_hash(signed_in, owner, organisation, name, content, media_type):
    assert send(signed_in(owner), name, content).status_code == 302
    paper = Evidence.objects.get()
    assert (paper.media_type, paper.bytes) == (media_type, len(content))
    assert paper.sha256 == hashlib.sha256(content).hexdigest()
    assert name not in paper.file.name


@pytest.mark.parametrize(("name", "content"), BAD)
def test_what_is_no_paper_is_refused_in_words(signed_in, owner, organisation, name, content):
    answer = send(signed_in(owner), name, content)
    assert "This is no PDF, PNG, JPEG, CSV or XLSX file" in answer.content.decode()
    assert not Evidence.objects.exists()


def test_an_empty_file_is_refused(signed_in, owner, organisation):
    assert "This file is empty" in send(signed_in(owner), "a.pdf", b"").content.decode()


def test_a_file_that_is_too_large_is_refused_with_what_was_typed_kept(signed_in, owner, organisation):
    answer = send(signed_in(owner), "a.pdf", PDF + b"\0" * (paper_types.MOST_BYTES + 1))
    text = answer.content.decode()
    assert "The file is larger than 10 MB" in text
    assert "Annual accounts 2025" in text
    assert not Evidence.objects.exists()


def test_the_same_paper_twice_is_one_paper(signed_in, owner, organisation):
    client = signed_in(owner)
    send(client, "a.pdf", PDF)
    send(client, "a.pdf", PDF)
    assert Evidence.objects.count() == 1


def test_a_name_with_a_path_stays_a_name(signed_in, owner, organisation):
    send(signed_in(owner), "../../etc/passwd.pdf", PDF)
    paper = Evidence.objects.get()
    assert "/" not in paper.filename
    assert paper.file.name.startswith(f"evidence/{organisation.pk}/")


def kept(actor, organisation):
    return add_evidence(
        actor=actor, organisation=organisation, subject="accounts", title="Annual accounts 2025",
        file=ContentFile(PDF, name="a.pdf"), filename="Jahresabschluss 2025.pdf",
    )  # fmt: skip


def test_it_is_opened_as_a_download_and_nothing_else(signed_in, owner, member, organisation):
    paper = kept(owner, organisation)
    answer = signed_in(member).get(reverse("accounts:evidence_file", args=[paper.pk]))
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", "application/pdf")
    assert b"".join(answer.streaming_content) == PDF


def test_a_stranger_and_an_officer_without_a_reason_find_no_paper(signed_in, stranger, owner, organisation):
    url = reverse("accounts:evidence_file", args=[kept(owner, organisation).pk])
    officer = with_second_factor(make_user())
    grant(officer, Role.HELPDESK, site_slug="lumi")
    for somebody in (stranger, officer):
        assert signed_in(somebody).get(url).status_code == 404


def test_the_reviewing_officer_opens_what_was_signed(signed_in, contested):
    paper = kept(contested.owner, contested.organisation)
    declare_size(actor=contested.owner, organisation=contested.organisation, on=TODAY)
    officer = with_second_factor(make_user())
    grant(officer, Role.HELPDESK, site_slug="lumi")
    client = signed_in(officer)
    assert client.get(reverse("accounts:evidence_file", args=[paper.pk])).status_code == 200
    later = kept(contested.owner, contested.organisation)
    assert client.get(reverse("accounts:evidence_file", args=[later.pk])).status_code == 404


def test_a_signed_paper_stays(scene):
    scene.figures(9.5, 3, 1.9)
    scene.answer()
    paper = kept(scene.owner, scene.organisation)
    assessment = declare_size(actor=scene.owner, organisation=scene.organisation, on=TODAY)
    paper.refresh_from_db()
    assert paper.assessment == assessment
    assert assessment.trace["evidence"][0]["sha256"] == paper.sha256
    with pytest.raises(DomainError, match=r"^evidence_signed:"):
        remove_evidence(actor=scene.owner, evidence=paper)


def test_an_unsigned_paper_is_removed_with_its_file(signed_in, owner, organisation, django_capture_on_commit_callbacks):
    paper = kept(owner, organisation)
    name = paper.file.name
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(owner).post(reverse("accounts:evidence_remove", args=[paper.pk]))
    assert not Evidence.objects.exists()
    assert not default_storage.exists(name)


def test_a_member_adds_nothing(signed_in, member, organisation):
    assert send(signed_in(member), "a.pdf", PDF).status_code == 403
