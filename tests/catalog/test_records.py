"""The curated records: each is in order, and a bad one is refused with a sentence that names it."""

import shutil

import pytest

from catalog import records
from catalog.models import FoundationModel


@pytest.mark.parametrize("record", records.foundation_models(), ids=lambda record: record.slug)
def test_parameters_agree_with_the_shape(record):
    apart = abs(record.counted_parameters / record.params - 1)
    assert apart <= records.TOLERANCE or record.parameters_differ


@pytest.mark.parametrize("record", records.foundation_models(), ids=lambda record: record.slug)
def test_a_model_says_where_its_facts_come_from(record):
    assert record.source
    assert record.verified or "shape" not in record.verified_fields


def test_at_least_one_european_model_writes_each_language_of_the_union():
    official = (
        "bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu",
        "ga", "it", "lv", "lt", "mt", "pl", "pt", "ro", "sk", "sl", "es", "sv",
    )  # fmt: skip
    writing = [one for one in records.foundation_models() if one.task == FoundationModel.Task.TEXT_GENERATION]
    for code in official:
        assert any(code in one.languages for one in writing), code


def test_the_demonstration_models_have_the_shape_the_site_holds():
    shapes = {one.slug: one.shape for one in records.foundation_models() if one.is_demonstration}
    assert set(shapes) == {"minilm-demo", "tiny-llama-demo"}
    assert (shapes["minilm-demo"].layers, shapes["minilm-demo"].hidden) == (6, 384)
    assert (shapes["tiny-llama-demo"].hidden, shapes["tiny-llama-demo"].intermediate) == (256, 704)


def test_every_licence_has_words():
    for licence in records.licences().values():
        assert licence.words.endswith(".")


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(records.FOLDER, tmp_path / "data")
    return tmp_path / "data"


def edit(folder, name, old, new):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_wrong_number_is_named_with_file_and_record(folder):
    edit(folder, "foundation_models.yaml", "layers: 42", "layers: many")
    with pytest.raises(
        records.RecordError, match=r"foundation_models.yaml, models record 1 \(eurollm-9b-instruct\).*layers"
    ):
        records.foundation_models(folder)


def test_a_shape_that_cannot_have_that_many_parameters_is_refused(folder):
    edit(folder, "foundation_models.yaml", "layers: 42", "layers: 24")
    with pytest.raises(records.RecordError, match=r"its shape gives .* parameters, the record says 9,150,000,000"):
        records.foundation_models(folder)


def test_a_misspelt_key_is_refused(folder):
    edit(folder, "sites.yaml", "  host: Sofia Tech Park", "  hosts: Sofia Tech Park")
    with pytest.raises(records.RecordError, match=r"\(brain-plus-plus\)"):
        records.sites(folder)


def test_a_link_to_an_unknown_factory_is_refused(folder):
    edit(folder, "sites.yaml", "[lumi-ai-factory, jaif]", "[lumi-ai-factory, jafi]")
    with pytest.raises(records.RecordError, match="'jafi', which is no site"):
        records.sites(folder)


def test_two_records_with_one_slug_are_refused(folder):
    edit(folder, "foundation_models.yaml", "slug: eurollm-1-7b-instruct", "slug: eurollm-9b-instruct")
    with pytest.raises(records.RecordError, match="another record with this slug"):
        records.foundation_models(folder)


def test_a_missing_file_is_one_clear_sentence(folder):
    (folder / "access_modes.yaml").unlink()
    with pytest.raises(records.RecordError, match=r"access_modes\.yaml cannot be read"):
        records.access_modes(folder)
