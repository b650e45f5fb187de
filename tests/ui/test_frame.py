"""The frame around every page: navigation by role, appearance, and pages that survive without a request."""

import pytest
from django.template.loader import render_to_string
from django.test import Client

from portal.ui.navigation import ROOMS, Room, entries
from portal.ui.visitors import ADMINISTRATOR, AUDITOR, HELPDESK, MEMBER, Visitor


def words(visitor: Visitor | None, view: str = "") -> list[str]:
    return [str(entry.label) for entry in entries(visitor, view)]


def test_a_member_sees_the_rooms_of_a_company():
    member = Visitor("Ana Lund", "ana@nordlys.example", frozenset({MEMBER}), "Nordlys")
    assert words(member) == [
        "Dashboard",
        "Models",
        "Sites",
        "Fine-tuning",
        "Jobs",
        "Data",
        "Results",
        "Access",
        "Usage",
    ]


def test_a_helpdesk_officer_starts_at_the_queue():
    assert words(Visitor("Maija Virtanen", "m@site.example", frozenset({HELPDESK})))[0] == "Queue"


def test_a_visitor_sees_the_public_rooms():
    assert words(None) == ["Models", "Sites", "Public support"]


def test_a_room_that_is_not_built_is_not_shown():
    assert entries(None, "", [Room("nowhere:yet", "Nowhere", frozenset({"anyone"}))]) == []


def test_the_current_room_is_marked_on_its_page_and_true_deeper_inside():
    assert [entry.current for entry in entries(None, "catalog:models")] == ["page", "", ""]
    assert [entry.current for entry in entries(None, "catalog:model")] == ["true", "", ""]


@pytest.mark.parametrize("role", [MEMBER, HELPDESK, ADMINISTRATOR, AUDITOR])
def test_a_page_lies_in_one_room(role):
    visitor = Visitor("Ana Lund", "", frozenset({role}))
    for room in ROOMS:
        assert sum(bool(entry.current) for entry in entries(visitor, room.view)) <= 1


@pytest.mark.parametrize(("name", "initials"), [("Ana Lund", "AL"), ("ana@x.example", "A"), ("Li", "L"), ("", "")])
def test_initials_are_short(name, initials):
    assert Visitor(name, "").initials == initials


@pytest.mark.parametrize("name", ["400", "403", "404", "500", "503"])
def test_a_refusal_can_be_drawn_with_nothing_at_all(name):
    """When the database or the request itself is the trouble, the page must not need either."""
    page = render_to_string(f"{name}.html")
    assert "<h1>" in page
    assert 'href="/"' in page


def test_the_appearance_is_remembered_without_scripts():
    client = Client()
    answer = client.post("/appearance/", {"theme": "dark", "next": "/patterns/"})
    assert (answer.status_code, answer["Location"]) == (302, "/patterns/")
    assert 'data-bs-theme="dark"' in client.get("/patterns/").content.decode()


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_the_appearance_sends_nobody_elsewhere(target):
    assert Client().post("/appearance/", {"theme": "dark", "next": target})["Location"] == "/"


def test_an_unknown_appearance_is_not_stored():
    assert "op-theme" not in Client().post("/appearance/", {"theme": "pink"}).cookies


def test_the_pattern_page_is_hidden_from_the_public(settings):
    settings.EMBEDDED = settings.DEBUG = False
    assert Client().get("/patterns/").status_code == 404


def test_an_error_of_ours_gets_a_reference(rf, caplog):
    from portal.ui.views import server_error

    answer = server_error(rf.get("/jobs/"))
    reference = caplog.records[-1].args[0]
    assert answer.status_code == 500
    assert reference in answer.content.decode()


def test_the_policy_forbids_inline_code():
    policy = Client().get("/patterns/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
