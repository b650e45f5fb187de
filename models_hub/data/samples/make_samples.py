"""Writes the sample data sets of this folder. Same script, same bytes:

    python models_hub/data/samples/make_samples.py


Everything is invented: the firm Pedalia, its customers, orders and prices. We wrote all sentences ourselves.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shop_assistant import FACTS, FRAMES, SYSTEM
from support_topics import GREETINGS, REMARKS, SENTENCES

HERE = Path(__file__).resolve().parent
Row = dict[str, Any]
# how often a sentence is used in each language: English carries the set, since the smallest encoder knows it best
TIMES = {"en": 3, "de": 2, "fr": 2, "es": 2, "it": 2, "pl": 2}


def support_topics(rng: random.Random) -> Iterator[Row]:
    """One sentence of a topic, most often with a greeting or a neutral remark around it."""
    for language, topics in SENTENCES.items():
        for label, sentences in topics.items():
            for sentence in sentences:
                ways = rng.sample(["plain", "greeting", "remark", "both", "before"], TIMES[language])
                for way in ways:
                    yield {"text": _dress(sentence, way, language, rng), "label": label, "language": language}


def _dress(sentence: str, way: str, language: str, rng: random.Random) -> str:
    greeting, remark = rng.choice(GREETINGS[language]), rng.choice(REMARKS[language])
    text = {
        "plain": sentence,
        "greeting": f"{greeting} {_after(greeting, sentence)}",
        "remark": f"{sentence} {remark}",
        "both": f"{greeting} {_after(greeting, sentence)} {remark}",
        "before": f"{remark} {sentence}",
    }[way]
    return text.format(n=rng.randint(10200, 98700), d=rng.randint(3, 12), e=f"E{rng.randint(10, 79)}")


def _after(greeting: str, sentence: str) -> str:
    """After a comma a sentence goes on in small letters where it begins with an ordinary word."""
    first = sentence.split(maxsplit=1)[0]
    if greeting.endswith(",") and first not in ("I", "I'm") and not sentence.startswith("¿"):
        return sentence[0].lower() + sentence[1:]
    return sentence


def shop_assistant() -> Iterator[Row]:
    for fact in FACTS.values():
        for language, (topic, answer, questions) in fact.items():
            for question in [*(frame.format(topic) for frame in FRAMES[language]), *questions]:
                said = (("system", SYSTEM), ("user", question), ("assistant", answer))
                yield {"messages": [{"role": role, "content": content} for role, content in said]}


def main() -> None:
    for name, rows in (
        ("support-topics", list(support_topics(random.Random(5)))),  # noqa: S311  (a fixed order, not a secret)
        ("shop-assistant", list(shop_assistant())),
    ):
        random.Random(11).shuffle(rows)  # noqa: S311
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (HERE / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(name, len(rows))  # noqa: T201


if __name__ == "__main__":
    main()
