"""The data step: what was found in the data, and the rows as the chosen model will see them."""

import json

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from catalog.models import StoredModel
from models_hub.models import Dataset
from tests.jobs.wizard.walk import answers, begin, url, walk

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{% generation %}{{ m.content }}{% endgeneration %}\n{% endfor %}"
ONLY_ANSWERS = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}"
    "{% else %}{{ m.content }} {% endif %}{% endfor %}"
)


@pytest.fixture(autouse=True)
def fresh_cache():
    from django.core.cache import cache

    cache.clear()


def send_tokenizer(model, template=ONLY_ANSWERS):
    """The site sends a tokenizer that counts words."""
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    StoredModel.objects.filter(model=model).update(
        tokenizer_json=words.to_str().encode(), tokenizer_config={"chat_template": template}
    )


def fill(dataset, rows):
    """Puts real rows into the training part."""
    part = dataset.parts.get(name="train")
    part.file.save("train.jsonl", ContentFile("".join(json.dumps(row) + "\n" for row in rows).encode()))
    part.rows = len(rows)
    part.save()


def talk(question, answer):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def view_of(client, draft):
    return client.get(url(draft, 2)).context["view"]


def test_counts_of_the_check_are_shown_until_a_tokenizer_arrives(client, house):
    view = view_of(client, walk(client, house))
    assert not view.profile.exact
    assert view.profile.mean == 40.0
    assert view.rows[0]["label"] == "order"


def test_rows_are_rendered_with_the_models_template_and_tokens(client, house):
    send_tokenizer(house.writer)
    fill(house.talks, [talk("Do you ship to Malta ?", "We do .")] * 8)
    view = view_of(client, walk(client, house, "chat"))
    assert view.profile.exact
    row = view.rows[0]
    assert (row["tokens"], row["learned"]) == (9, 3)
    assert [piece["text"] for piece in row["pieces"] if piece["learned"]] == ["We do ."]


def test_rows_that_truncation_would_lose_are_counted_before_the_launch(client, house):
    send_tokenizer(house.writer)
    long = talk("word " * 600, "never seen")
    fill(house.talks, [long, long, *[talk("short", "answer")] * 6])
    view = view_of(client, walk(client, house, "chat"))
    assert (view.cut, view.lost) == (2, 2)
    assert view.max_length == 512
    assert view.rows[0]["lost"]


def test_the_draft_keeps_what_was_counted(client, house):
    send_tokenizer(house.encoder)
    fill(house.labelled, [{"text": "one two three", "label": "order"}] * 5)
    draft = walk(client, house)
    kept = draft.answers["data"]["tokens"]
    assert (kept["mean"], kept["max"], kept["model"]) == (3.0, 3, house.encoder.slug)
    assert client.get(url(draft, 3)).context["panel"].exact_tokens


def test_the_signs_around_a_text_count_for_an_encoder(client, house):
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    StoredModel.objects.filter(model=house.encoder).update(tokenizer_json=words.to_str().encode())
    fill(house.labelled, [{"text": "one two three", "label": "order"}] * 5)
    assert view_of(client, walk(client, house)).profile.longest == 5


def test_figures_of_another_model_are_not_used(client, house):
    send_tokenizer(house.encoder)
    fill(house.labelled, [{"text": "one two three", "label": "order"}] * 5)
    draft = walk(client, house)
    kept = {**draft.answers["data"]["tokens"], "model": "another"}
    type(draft).objects.filter(pk=draft.pk).update(
        answers={**draft.answers, "data": {**draft.answers["data"], "tokens": kept}}
    )
    assert not client.get(url(draft, 3)).context["panel"].exact_tokens


def test_a_template_that_refuses_the_rows_says_why(client, house):
    send_tokenizer(house.writer, template="{{ raise_exception('Only one turn is allowed') }}")
    fill(house.talks, [talk("a", "b")] * 5)
    page = client.get(url(walk(client, house, "chat"), 2)).content.decode()
    assert "Only one turn is allowed" in page


def test_a_broken_tokenizer_is_no_error(client, house):
    StoredModel.objects.filter(model=house.encoder).update(tokenizer_json=b"not json", revision="broken")
    assert not view_of(client, walk(client, house)).profile.exact


def test_looking_at_other_data_changes_nothing(client, house):
    draft = walk(client, house, until=1)
    page = client.get(url(draft, 2), {"dataset": str(house.labelled.pk)})
    assert page.context["view"] is not None
    draft.refresh_from_db()
    assert "data" not in draft.answers


def test_only_data_of_the_recipes_kind_is_offered(client, house):
    page = client.get(url(walk(client, house, until=1), 2))
    assert [dataset.name for dataset in page.context["datasets"]] == ["Messages"]


@pytest.mark.parametrize(("recipe", "sample"), [("classify", "support-topics"), ("chat", "shop-assistant")])
def test_sample_data_is_one_click_and_comes_back_checked(client, house, recipe, sample):
    draft = walk(client, house, recipe, until=1)
    response = client.post(reverse("jobs:wizard_sample", args=[draft.pk]), {"sample": sample})
    dataset = Dataset.objects.get(sample_code=sample)
    assert response.url == f"{url(draft, 2)}?dataset={dataset.pk}"
    view = client.get(response.url).context["view"]
    assert view.rows
    given = {**answers(house, recipe)[2], "dataset": str(dataset.pk)}
    assert client.post(url(draft, 2), given).url == url(draft, 3)


def test_without_data_the_step_offers_upload_and_sample(client, house):
    Dataset.objects.all().delete()
    draft = begin(client, recipe="classify")
    client.post(url(draft, 1), answers(house, "classify")[1])
    page = client.get(url(draft, 2)).content.decode()
    assert "Upload data" in page
    assert "Use this data" in page
