"""Renders one conversation with several chat templates; prints what the model sees and what it learns from.

Run by the site's Python: `rendering.py STORE`. Supervised tokens come out as text, so that a reader can judge them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from models_hub.training.demo.tiny_llama import CHAT_TEMPLATE
from models_hub.training.rendering import IGNORE, Renderer

PLAIN = CHAT_TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
STOP_OUTSIDE = CHAT_TEMPLATE.replace(
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}",
    "{% generation %}{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}",
)
NO_STOP = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)
# Earlier answers are rendered in short once more turns follow, as templates of thinking models do.
REWRITES = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' and not loop.last %}{{ m['content'][:2] }}{% else %}{{ m['content'] }}{% endif %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEMPLATES = {
    "marked": CHAT_TEMPLATE,
    "plain": PLAIN,
    "stop_outside": STOP_OUTSIDE,
    "no_stop": NO_STOP,
    "rewrites": REWRITES,
}
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Who are you?"},
    {"role": "assistant", "content": "A shop."},
    {"role": "user", "content": "Odprete v nedeljo? Žal mi je."},
    {"role": "assistant", "content": "Ne, zaprto je."},
]


def rendered(store: Path, name: str, *, max_length: int = 500) -> dict[str, Any]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(store / "tiny-llama-demo", local_files_only=True)
    tokenizer.chat_template = TEMPLATES[name]
    row = Renderer(tokenizer, max_length=max_length, stop_ids={tokenizer.eos_token_id}).render(TURNS)
    runs: list[list[int]] = []
    previous = False
    for label in row.labels:
        if label != IGNORE:
            runs = [*runs[:-1], [*runs[-1], label]] if previous else [*runs, [label]]
        previous = label != IGNORE
    return {
        "text": tokenizer.decode(row.input_ids),
        "learnt": [tokenizer.decode(run) for run in runs],
        "tokens": len(row.input_ids),
        "supervised": row.supervised,
        "cut": row.cut,
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    answer = {name: rendered(folder, name) for name in TEMPLATES}
    whole = answer["marked"]["tokens"]
    answer["shortened"] = rendered(folder, "marked", max_length=whole - 2)
    answer["lost"] = rendered(folder, "marked", max_length=8)
    print(json.dumps(answer))
