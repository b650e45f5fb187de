"""Invented data for the pattern page: one example of every component in every state."""

from datetime import date
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.utils.translation import gettext as _

from portal.ui.charts import Chart, Series
from portal.ui.status import Status, machines
from portal.ui.steps import Step, StepChart
from portal.ui.widgets import ChoiceCards, DateInput, NumberText, Option, Segment


class PatternForm(forms.Form):
    """A field of each kind. The page shows it bound, so that the errors are seen."""

    name = forms.CharField(label="Name of this run", help_text="Seen by your team.")
    hours = forms.IntegerField(
        label="GPU-hours", help_text="Most first requests are under 500.", min_value=1, widget=NumberText
    )
    why = forms.CharField(label="What do you want to do?", widget=forms.Textarea(attrs={"rows": 3}))
    language = forms.ChoiceField(label="Language", choices=[("", "Choose one"), ("da", "Danish"), ("sl", "Slovenian")])
    until = forms.DateField(label="Until", widget=DateInput, required=False)
    upload = forms.FileField(label="Your data", required=False, help_text="JSON lines, CSV or Parquet, up to 5 GB.")
    method = forms.ChoiceField(
        label="How should the model learn?",
        help_text="This decides how much memory you need.",
        choices=[("lora", "Add-on training (LoRA)"), ("full", "Full training"), ("far", "At another site")],
        widget=ChoiceCards(
            describe={
                "lora": Option(
                    "Trains a small add-on and leaves the base model unchanged.",
                    (("cpu", "5.8 GPU-hours"), ("clock", "1 h 25 min"), ("check-circle-fill", "36 GB, fits", "ok")),
                    "Recommended",
                    "ok",
                ),
                "full": Option(
                    "Updates every weight.", (("cpu", "8.6 GPU-hours"), ("x-circle-fill", "Too large", "bad"))
                ),
                "far": Option("Not part of your allocation.", off=True),
            }
        ),
    )
    gpus = forms.ChoiceField(label="How many GPUs?", choices=[(n, n) for n in ("1", "2", "4", "8")], widget=Segment)
    personal = forms.ChoiceField(
        label="Does the data hold personal data?",
        choices=[("no", "No"), ("yes", "Yes"), ("unsure", "I am not sure")],
        widget=forms.RadioSelect,
    )
    notices = forms.MultipleChoiceField(
        label="Tell me about",
        choices=[("end", "Runs that end"), ("low", "Hours that run low")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    agree = forms.BooleanField(label="I may use this data for training", help_text="You can withdraw it later.")


SITES = (
    ("Kajaani", 64.23, 27.72, True),
    ("Barcelona", 41.39, 2.17, False),
    ("Bologna", 44.49, 11.34, False),
    ("Athens", 37.98, 23.73, False),
    ("Lisbon", 38.72, -9.14, False),
    ("Nicosia", 35.17, 33.36, False),
)
_WEEKS = (
    "31 Aug",
    "7 Sep",
    "14 Sep",
    "21 Sep",
    "28 Sep",
    "5 Oct",
    "12 Oct",
    "19 Oct",
    "26 Oct",
    "2 Nov",
    "9 Nov",
    "16 Nov",
)
_NORTH = (12, 18.5, 22, 9.5, 27, 31, 24.5, 16, 33.5, 28, 30, 29)
_ALPS = (0, 0, 4, 6, 8.5, 7, 15, 9, 12, 6.5, 13, 9.5)


def _distinct(words: dict[str, Status]) -> list[str]:
    """One state for each word, where two states of a machine are said the same way."""
    return list({status.label: state for state, status in words.items()}.values())


def pattern_context() -> dict[str, Any]:
    bound = PatternForm({"hours": "abc", "method": "lora", "gpus": "4"})
    bound.is_valid()
    return {
        "sample": bound,
        "fresh": PatternForm(prefix="fresh", initial={"method": "lora", "gpus": "4"}),
        "machines": {name: _distinct(words) for name, words in machines().items() if name != "attempt"},
        "bars": Chart(
            title=_("GPU-hours per week, 31 August to 22 November 2026"),
            labels=_WEEKS,
            series=[Series("Northern AI Factory", _NORTH), Series("Alpine AI Factory", _ALPS)],
            summary="Weekly use rises from 12 to 38.5 GPU-hours; two of the last four weeks were above the pace of 42.",
            unit=_("GPU-hours"),
            limit=42,
            limit_label="Pace that lasts: 42",
            label_head=_("Week starting"),
            ident="weeks",
        ),
        "steps": StepChart(
            title=_("Public support that still counts"),
            start=date(2026, 11, 21),
            end=date(2029, 11, 30),
            steps=[
                Step(date(2026, 11, 21), 240_000, cells=("–", "€240,000")),
                Step(date(2027, 6, 2), 140_000, "€100,000 falls out", ("€100,000", "€140,000")),
                Step(date(2028, 3, 16), 0, "€140,000 falls out", ("€140,000", "€0")),
            ],
            summary="€240,000 counts today; from 16 March 2028 nothing of it does.",
            heads=("Falls out", "Still counts"),
            label_head=_("From"),
            unit="EUR",
            limit=300_000,
            limit_label="Ceiling",
            thousands=True,
            ident="support",
        ),
        "lines": Chart(
            title=_("Loss while training"),
            labels=[str(step * 20) for step in range(25)],
            series=[
                Series(_("Training"), [1.9 * 0.93**step + 0.4 for step in range(25)]),
                Series(
                    _("Validation"),
                    [1.8 * 0.94**step + 0.5 if step % 4 == 0 else None for step in range(25)],
                    join=True,
                ),
            ],
            summary="Training loss falls from 2.3 to 0.7 in 480 steps.",
            label_head=_("Step"),
            decimals=2,
            ident="loss",
        ),
        "memory": [(1, 28.6), (4, 1), (3, 22), (2, 4.7)],
        "page": Paginator(range(200), 10).page(4),
        "sites": [
            {"name": name, "latitude": latitude, "longitude": longitude, "connected": on, "url": "#sites"}
            for name, latitude, longitude, on in SITES
        ],
        "needs": [
            {
                "url": "#",
                "title": "Answer a question about your request",
                "note": "Maija asks where your data is stored.",
                "tag": "Reply by 24 November",
                "tone": "warn",
            },
            {
                "url": "#",
                "title": "Confirm your public-support declaration",
                "note": "Takes about 3 minutes.",
                "tag": "Due 30 November",
                "icon": "calendar3",
            },
        ],
        "setup": [
            {"title": "Company details", "url": "#", "state": "done"},
            {"title": "Public-support declaration", "url": "#", "state": "todo", "note": "About 3 minutes"},
            {"title": "Ask for compute", "state": "later"},
        ],
        "journey": [
            {"label": "Goal and model", "url": "#", "state": "done"},
            {"label": "Your data", "url": "#", "state": "done"},
            {"label": "Training and compute", "state": "current"},
            {"label": "Evaluation and safety", "state": "todo"},
            {"label": "Check and start", "state": "todo"},
        ],
        "rules": [
            {"outcome": "ok", "title": "Company exists", "text": "VAT number confirmed 19 November."},
            {"outcome": "warn", "title": "Amount matches the plan", "text": "About five times the need.", "url": "#"},
            {"outcome": "bad", "title": "Model licence allows this use", "text": "Research only."},
            {"outcome": "unknown", "title": "Person may act for the company", "text": "Nobody has looked yet."},
        ],
        "events": [
            {"title": "Sent", "when": "today, 10:42", "on": True},
            {"title": "Northern AI Factory decides", "when": "by 23 November, 17:00", "text": "We email you at once."},
            {"title": "You can start runs", "text": "Within minutes of approval."},
        ],
        "talk": [
            {
                "author": "Maija Virtanen",
                "role": "Helpdesk",
                "when": "19 November, 10:12",
                "body": "Where is your data stored?",
            },
            {
                "author": "Ana Lund",
                "when": "19 November, 14:30",
                "body": "In Denmark, on our own servers.",
                "mine": True,
            },
            {"author": "The decision clock runs again", "when": "19 November, 14:30", "kind": "event"},
        ],
        "narrow": [
            {"url": "#", "label": "All", "count": 14, "current": True},
            {"url": "#", "label": "Running", "count": 2},
            {"url": "#", "label": "Failed", "count": 1},
        ],
        "output": [
            "10:51:02  loaded EuroLLM-9B-Instruct in 41 s",
            "10:52:40  step 100 of 5,540   loss 1.482   12,310 tokens/s",
            "10:54:11  step 200 of 5,540   loss 1.377   12,402 tokens/s",
        ],
        "columns": [{"title": "EuroLLM 9B", "url": "#", "note": "Apache-2.0"}, {"title": "Salamandra 7B", "url": "#"}],
        "facts": [
            {"label": "Languages", "values": ["35", "35"]},
            {"label": "Memory to fine-tune", "values": ["36 GB", "29 GB"], "best": 1},
            {"label": "Context", "values": ["4,096", None]},
        ],
        "runs": [
            {
                "name": "Customer support assistant",
                "model": "EuroLLM 9B · LoRA",
                "state": "RUNNING",
                "pct": 64,
                "s": 14760,
            },
            {
                "name": "Return-reason classifier",
                "model": "EuroBERT · encoder",
                "state": "DONE",
                "pct": 100,
                "s": 20520,
            },
            {"name": "Supplier email summaries", "model": "Mistral Small · LoRA", "state": "FAILED", "pct": 3, "s": 0},
        ],
    }
