"""What the model sees of a conversation, and what it learns from: only answers, each with its stop token."""

import pytest

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def cases(store, request):
    return {}


@pytest.fixture
def rendered(probe, store, cases):
    if not cases:
        cases.update(probe("rendering", store))
    return cases


BOTH = ["A shop.<|im_end|>", "Ne, zaprto je.<|im_end|>"]


def test_marked_templates_teach_the_answers_and_their_stop_tokens(rendered):
    assert rendered["marked"]["learnt"] == BOTH


def test_a_template_without_marks_teaches_the_same(rendered):
    assert rendered["plain"]["learnt"] == BOTH
    assert rendered["plain"]["text"] == rendered["marked"]["text"]


def test_a_stop_token_left_outside_the_mark_is_learnt_all_the_same(rendered):
    assert rendered["stop_outside"]["learnt"] == BOTH


def test_a_template_that_never_stops_gets_a_stop_token_at_its_end(rendered):
    assert rendered["no_stop"]["learnt"][-1].endswith("<|im_end|>")
    assert rendered["no_stop"]["text"].endswith("<|im_end|>")


def test_an_answer_that_the_template_rewrites_later_is_left_out_not_guessed(rendered):
    assert rendered["rewrites"]["learnt"] == BOTH[1:]


def test_prompts_are_never_learnt(rendered):
    for case in ("marked", "plain", "stop_outside"):
        assert "Who are you" in rendered[case]["text"]
        assert not any("Who are you" in run or "Be brief" in run for run in rendered[case]["learnt"])


def test_a_long_row_is_cut_and_counted_as_cut(rendered):
    assert rendered["shortened"]["cut"]
    assert rendered["shortened"]["tokens"] == rendered["marked"]["tokens"] - 2
    assert rendered["shortened"]["supervised"] < rendered["marked"]["supervised"]


def test_a_row_that_keeps_no_answer_has_nothing_to_learn_from(rendered):
    assert rendered["lost"]["supervised"] == 0
