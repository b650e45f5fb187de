"""What is drawn: the group with every party and share in words, and the statement as a document."""

import io
import re

import pypdf
import pytest
from django.urls import reverse

from accounts.derivation import ownership_in, standings_in
from accounts.ownership_drawing import draw, layers, rows
from accounts.services import declare_size
from accounts.size_paper import paper_of
from portal.papers import draw as draw_pdf
from tests.accounts.size.conftest import TODAY

pytestmark = pytest.mark.django_db


def drawn(scene):
    assessment = declare_size(actor=scene.owner, organisation=scene.organisation, on=TODAY)
    ownership = ownership_in(assessment.trace)
    return assessment, ownership, standings_in(assessment.trace)


def test_owners_stand_above_and_daughters_below(v5):
    v5.answer(owners=["company"], holds="yes")
    daughter = v5.party("Ek Weaving AB", figures=(12, 1, 1))
    v5.holds(v5.centre, daughter, 60)
    _assessment, ownership, _standings = drawn(v5)
    names = {party.id: party.name for party in ownership.parties}
    own = v5.organisation.legal_name
    found = [{names[one] for one in row} for row in layers(ownership)]
    assert found == [{"Partner Holding GmbH"}, {own, "Quarz Werke GmbH"}, {"Ek Weaving AB"}]


def test_how_a_party_counts_is_said_in_words_and_in_style(v5):
    _assessment, ownership, standings = drawn(v5)
    wide, narrow = draw(ownership, standings)
    words = {(box.css, box.standing.word) for box in wide.boxes}
    assert ("partner", "Partner, counts 33%") in words
    assert {edge.label for edge in wide.edges} == {"33%", "100%"}
    assert narrow.width < 330


def test_boxes_never_overlap_and_stay_inside(v5):
    v5.answer(owners=["company", "investor", "person"])
    for number in range(9):
        investor = v5.party(f"Fund number {number} with a rather long name", kind="institutional_investor")
        v5.holds(investor, v5.centre, 2)
    _assessment, ownership, standings = drawn(v5)
    for drawing in draw(ownership, standings):
        boxes = drawing.boxes
        assert all(box.x >= 0 and box.x + box.width <= drawing.width for box in boxes)
        assert all(box.y + box.height <= drawing.height for box in boxes)
        for at, one in enumerate(boxes):
            for other in boxes[at + 1 :]:
                apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
                assert apart_x or one.y + one.height <= other.y or other.y + other.height <= one.y


def test_the_table_says_the_same_as_the_drawing(v5):
    _assessment, ownership, standings = drawn(v5)
    table = {(row.owner, row.owned, row.share) for row in rows(ownership, standings)}
    own = v5.organisation.legal_name
    assert table == {("Partner Holding GmbH", own, "33%"), ("Partner Holding GmbH", "Quarz Werke GmbH", "100%")}


def test_the_same_graph_gives_the_same_drawing(v5):
    _assessment, ownership, standings = drawn(v5)
    assert draw(ownership, standings) == draw(ownership, standings)


def test_a_cross_holding_is_drawn_with_both_lines(scene):
    scene.figures(30, 9, 9)
    scene.answer(owners=["company"], holds="yes")
    partner = scene.party("Partner AG", figures=(60, 12, 10))
    scene.holds(scene.centre, partner, 26)
    scene.holds(partner, scene.centre, 40)
    _assessment, ownership, standings = drawn(scene)
    wide, _narrow = draw(ownership, standings)
    assert sorted(edge.label for edge in wide.edges) == ["26%", "40%"]


def text_of(pdf):
    return " ".join(re.sub(r"\s+", " ", page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_the_document_holds_the_answer_the_group_the_tree_and_the_signature(signed_in, v5):
    assessment, _ownership, _standings = drawn(v5)
    answer = signed_in(v5.owner).get(reverse("accounts:size_statement_file", args=[assessment.pk]))
    assert answer["Content-Disposition"].startswith("attachment; ")
    text = text_of(answer.content)
    for words in ("Medium-sized enterprise", "Partner Holding GmbH", "33%", "Art 3(2)", "89.5", "Olga Owner", "sme/2"):
        assert words in text, words
    assert text.index("Medium-sized enterprise") < text.index("The group") < text.index("How it was derived")


def test_the_same_statement_is_the_same_document_bit_by_bit(v5):
    assessment, _ownership, _standings = drawn(v5)
    first = draw_pdf(paper_of(assessment, language="en"))
    assessment.refresh_from_db()
    assert draw_pdf(paper_of(assessment, language="en")) == first


def test_a_statement_of_older_rules_is_shown_as_far_as_it_goes(signed_in, owner, organisation):
    old = organisation.sme_assessments.create(
        size_class="small", rule_version="sme-autonomous/1", trace={}, declared_autonomous=True, declared_by=owner,
        declared_on=TODAY,
    )  # fmt: skip
    client = signed_in(owner)
    assert "no longer holds" in client.get(reverse("accounts:size_statement", args=[old.pk])).content.decode()
    assert client.get(reverse("accounts:size_statement_file", args=[old.pk])).content.startswith(b"%PDF-")
