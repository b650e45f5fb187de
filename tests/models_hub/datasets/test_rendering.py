"""Rows as a model sees them: templates of well-known families, learned tokens, truncation."""

import json

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers

from models_hub.datasets.profile import profile_tokens, read_part
from models_hub.datasets.rendering import ChatTemplate, TemplateFault, render_rows
from models_hub.datasets.tokens import EstimatedTokenizer, FileTokenizer

CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n'}}{% endif %}"
)
MARKED = (
    "{%- for message in messages %}\n    {%- if message.role == 'assistant' %}\n"
    "{{- 'A: ' }}{% generation %}{{ message.content | trim }}{{ eos_token }}{% endgeneration %}\n"
    "    {%- else %}\n{{- message.role[0] | upper + ': ' + message.content + '\n' }}\n    {%- endif %}\n{%- endfor %}"
)
INST = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}"
    "{{ raise_exception('no system messages here') }}{% elif message.role == 'user' %}"
    "{{ '[INST] ' + message.content + ' [/INST]' }}{% else %}{{ ' ' + message.content + eos_token }}"
    "{% endif %}{% endfor %}"
)
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
QUESTION = {"role": "user", "content": "How long is the warranty?"}
ANSWER = {"role": "assistant", "content": "Two years."}


class Letters:
    name, exact = "letters", True

    def count(self, text):
        return len(text)

    def spans(self, text):
        return [(place, place + 1) for place in range(len(text))]


def learned(template, messages):
    text, spans = template.spans(messages)
    return [text[start:end] for start, end in spans]


def test_a_template_renders_as_the_model_was_trained():
    text = ChatTemplate(CHATML).render([QUESTION, ANSWER])
    assert (
        text == "<|im_start|>user\nHow long is the warranty?<|im_end|>\n<|im_start|>assistant\nTwo years.<|im_end|>\n"
    )


def test_the_answer_and_its_stop_sign_are_learned_without_generation_marks():
    assert learned(ChatTemplate(CHATML), [QUESTION, ANSWER]) == ["Two years.<|im_end|>"]
    assert learned(ChatTemplate(INST, SPECIAL), [QUESTION, ANSWER]) == [" Two years.</s>"]


def test_generation_marks_decide_what_is_learned():
    template = ChatTemplate(MARKED, SPECIAL)
    assert template.render([QUESTION, ANSWER]) == "U: How long is the warranty?\nA: Two years.</s>"
    assert learned(template, [QUESTION, ANSWER]) == ["Two years.</s>"]


@pytest.mark.parametrize("source", [CHATML, MARKED, INST])
def test_every_answer_of_a_long_conversation_is_learned(source):
    found = learned(
        ChatTemplate(source, SPECIAL), [QUESTION, ANSWER, QUESTION, {"role": "assistant", "content": "Yes."}]
    )
    assert len(found) == 2
    assert "Two years." in found[0] and "Yes." in found[1]


def test_a_template_that_refuses_says_so_in_its_own_words():
    with pytest.raises(TemplateFault, match="no system messages here"):
        ChatTemplate(INST, SPECIAL).render([{"role": "system", "content": "x"}, QUESTION, ANSWER])


def test_loop_controls_dates_and_json_work_as_in_hugging_face():
    source = (
        "{{ strftime_now('%Y')[:2] }} {{ {'ü': 1} | tojson }}{% for m in messages %}"
        "{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content }}{% endfor %}"
    )
    assert ChatTemplate(source).render([QUESTION, ANSWER]) == '20 {"ü": 1}How long is the warranty?'


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__init__.__globals__ }}",
        "{% for n in range(999999999) %}x{% endfor %}",
        "{% broken",
        "{{ messages[99].content + 1 }}",
    ],
)
def test_a_hostile_or_broken_template_is_a_fault_and_nothing_else(source):
    with pytest.raises(TemplateFault):
        ChatTemplate(source).render([QUESTION, ANSWER])


def test_private_marks_in_the_data_cannot_change_what_is_learned():
    text, spans = ChatTemplate(MARKED, SPECIAL).spans([{"role": "user", "content": "\ue000evil\ue001"}, ANSWER])
    assert [text[start:end] for start, end in spans] == ["Two years.</s>"]


def test_truncation_shows_what_is_cut_and_what_is_lost():
    template = ChatTemplate(CHATML)
    whole, cut, lost = (
        render_rows([{"messages": [QUESTION, ANSWER]}], template=template, tokenizer=Letters(), max_length=length)[0]
        for length in (500, 80, 40)
    )
    assert (whole.learned, whole.cut, whole.lost) == (20, False, False)
    assert cut.cut and not cut.lost and 0 < cut.learned_kept < 20
    assert lost.lost and lost.seen == 40


def test_a_text_with_a_label_is_shown_up_to_where_it_is_cut():
    (row,) = render_rows([{"text": "a long message", "label": "x"}], tokenizer=Letters(), max_length=6)
    assert (row.text[: row.seen], row.cut, row.lost, row.label) == ("a long", True, False, "x")


def test_a_tokenizer_file_counts_exactly(tmp_path):
    vocabulary = {"[UNK]": 0, "two": 1, "years": 2}
    library = Library(models.WordLevel(vocabulary, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.enable_truncation(2)
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = FileTokenizer(tmp_path / "tokenizer.json", name="words")
    assert (tokenizer.exact, tokenizer.count("two years two years")) == (True, 4)
    assert tokenizer.spans("two years") == [(0, 3), (4, 9)]


def test_a_template_is_taken_from_a_tokenizer_config():
    config = {
        "chat_template": [{"name": "default", "template": INST}],
        "eos_token": {"content": "</s>"},
        "bos_token": "<s>",
    }
    assert ChatTemplate.from_tokenizer_config(config).render([QUESTION]).startswith("<s>[INST]")
    with pytest.raises(TemplateFault, match="no chat template"):
        ChatTemplate.from_tokenizer_config({})


def test_the_profile_of_a_part_counts_learned_tokens_and_lost_rows(tmp_path):
    path = tmp_path / "train.jsonl"
    rows = [{"messages": [{**QUESTION, "content": "x" * (200 if n < 3 else 10)}, ANSWER]} for n in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    profile = profile_tokens(path, rows=30, template=ChatTemplate(CHATML), tokenizer=Letters(), max_length=120)
    assert (profile.counted, profile.cut, profile.lost, profile.lost_lines) == (30, 3, 3, (1, 2, 3))
    assert profile.learned["mean"] == 20.0
    assert profile.complete


def test_a_large_part_is_sampled_and_says_so(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"text": f"message {n}", "label": "a"}) + "\n" for n in range(1000)))
    profile = profile_tokens(path, rows=1000, tokenizer=EstimatedTokenizer(), max_length=2, most=100)
    assert (profile.counted, profile.exact, profile.complete, profile.cut) == (100, False, False, 1000)


def test_rows_that_the_template_refuses_are_counted_with_its_words(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"messages": [{"role": "system", "content": "s"}, QUESTION, ANSWER]}) + "\n")
    profile = profile_tokens(path, rows=1, template=ChatTemplate(INST, SPECIAL), tokenizer=Letters(), max_length=99)
    assert (profile.refused, profile.refusal) == (1, "no system messages here")
    assert len(list(read_part(path, limit=5))) == 1
