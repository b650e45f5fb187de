"""Better, perhaps, the same, or not: what a result may be called."""

import pytest

from models_hub.tuned.verdict import comparison, confusion_of, verdict_of
from tests.models_hub.tuned.conftest import classified, talked


def scored(before, after, rows=100):
    what = {"what": "frozen_baseline", "accuracy": before, "rows": rows}
    return classified(before=what, after={"what": "tuned_model", "accuracy": after, "rows": rows})


def test_more_right_than_chance_allows_is_better():
    assert verdict_of(scored(0.80, 0.95)).outcome == "better"


def test_a_gain_within_chance_is_called_so():
    verdict = verdict_of(scored(0.80, 0.82, rows=30))
    assert verdict.outcome == "perhaps"
    assert "chance" in verdict.sentence


def test_fewer_right_is_not_better():
    verdict = verdict_of(scored(0.95, 0.80))
    assert (verdict.outcome, verdict.tone) == ("worse", "warn")


def test_a_small_loss_within_chance_is_about_the_same():
    assert verdict_of(scored(0.82, 0.80, rows=30)).outcome == "same"


def test_equal_scores_are_about_the_same():
    assert verdict_of(scored(0.9, 0.9)).outcome == "same"


@pytest.mark.parametrize(("after", "outcome"), [(2.0, "better"), (5.05, "same"), (5.6, "worse")])
def test_a_chat_model_is_judged_by_its_loss(after, outcome):
    assert verdict_of(talked(5.1, after)).outcome == outcome


def test_the_sentence_names_rows_scores_and_what_it_is_compared_with():
    sentence = verdict_of(classified()).sentence
    assert "95.0%" in sentence
    assert "80.0%" in sentence
    assert "100 rows" in sentence
    assert "quick baseline" in sentence


def test_a_stopped_run_is_not_judged():
    verdict = verdict_of(classified(state="stopped", after=None))
    assert verdict.outcome == "unknown"
    assert "ended early" in verdict.sentence


def test_an_empty_result_is_not_judged():
    assert verdict_of({}).outcome == "unknown"


def test_the_baseline_stands_once_in_the_comparison():
    columns, lines = comparison(classified())
    assert [column["title"] for column in columns] == [
        "Always answering the most frequent class", "The quick baseline", "Your model",
    ]  # fmt: skip
    assert lines[0].values == ["50.0%", "80.0%", "95.0%"]
    assert lines[0].best == 2


def test_the_lowest_loss_is_the_best():
    _columns, lines = comparison(talked())
    assert lines[0].best == 1


def test_mistakes_are_listed_most_frequent_first():
    confusion = confusion_of(classified())
    assert confusion.mistakes == [("return", "order", 3), ("order", "return", 2)]


def test_many_classes_are_told_by_their_mistakes_only():
    labels = [f"class {n}" for n in range(20)]
    table = [[10 if row == column else int(row == 0 and column == 1) for column in range(20)] for row in range(20)]
    confusion = confusion_of(classified(labels=labels, after={"what": "tuned_model", "confusion": table}))
    assert confusion.rows == []
    assert confusion.mistakes == [("class 0", "class 1", 1)]


def test_a_table_that_does_not_fit_the_labels_is_left_out():
    assert confusion_of(classified(labels=["only one"])) is None
