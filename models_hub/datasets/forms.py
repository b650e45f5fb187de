"""Forms for data sets. They check shape; the services check rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import countries as names
from catalog.models import Site
from models_hub.datasets.problems import FILE_SENTENCES
from models_hub.datasets.receiving import ReceivedFile
from models_hub.datasets.schema import ColumnMapping
from models_hub.models import Dataset
from models_hub.wording import Text
from portal.ui.widgets import ChoiceCards, DateInput, Option

KINDS = {
    "classification": Option(_("Each row holds a text and the label it belongs to. The model learns to sort texts.")),
    "chat": Option(_("Each row holds a question and an answer, or a whole conversation. The model learns to answer.")),
}
PERSONAL = (("no", _("No")), ("yes", _("Yes")), ("unknown", _("I do not know; look for it")))


class UploadForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("What is in the file?"),
        choices=[(value, Dataset.Kind(value).label) for value in KINDS],
        widget=ChoiceCards(describe=KINDS),
    )
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        help_text=_("CSV, JSON Lines, JSON or Parquet, at most 2 GB. Excel: save the sheet as “CSV UTF-8” first."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.json,.jsonl,.ndjson,.parquet"}),
        error_messages={"required": _("Choose a file.")},
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("How you will find it again; else the file's name."),
    )
    personal = forms.ChoiceField(
        label=_("Does it hold personal data?"),
        help_text=_("Names, addresses, anything about a person. You may use it only where the law lets you."),
        choices=PERSONAL,
        initial="unknown",
        widget=forms.RadioSelect,
    )
    keep_until = forms.DateField(
        label=_("Delete it after"),
        required=False,
        widget=DateInput,
        help_text=_("The data is then deleted by itself. Leave it empty to delete it by hand."),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_file(self) -> ReceivedFile:
        file: ReceivedFile = self.cleaned_data["file"]
        if file.refusal == "storage_full":
            raise forms.ValidationError(
                _t("The portal's storage is full at the moment. Nothing was kept; please try again later.")
            )
        if file.refusal == "too_large":
            raise forms.ValidationError(_t("The file is larger than 2 GB. Split it, or leave out columns."))
        if not file.size:
            raise forms.ValidationError(Text(FILE_SENTENCES["empty"]).render(_t))
        return file

    def clean_keep_until(self) -> date | None:
        day: date | None = self.cleaned_data["keep_until"]
        if day is not None and day <= self.today:
            raise forms.ValidationError(_t("Choose a day in the future."))
        return day

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        file = self.files.get("file")
        return name or (str(file.name).rpartition(".")[0] or str(file.name) if file else "")[:120]

    @property
    def contains_personal_data(self) -> bool | None:
        return {"yes": True, "no": False}.get(self.cleaned_data["personal"])


class MappingForm(forms.Form):
    """Which column plays which part. The fields depend on what the file is for."""

    PARTS = {
        "classification": (("text", _("The text"), True), ("label", _("The label"), True)),
        "chat": (
            ("messages", _("A whole conversation"), False),
            ("prompt", _("The question"), False),
            ("completion", _("The answer"), False),
            ("context", _("More text that belongs to the question"), False),
            ("system", _("An instruction to the assistant"), False),
        ),
    }

    def __init__(self, *args: Any, kind: str, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for name, label, required in self.PARTS[kind]:
            blank = _("Choose a column") if required else _("None")
            self.fields[name] = forms.ChoiceField(
                label=label,
                required=required,
                choices=[("", blank), *((column, column) for column in columns)],
                error_messages={"required": _("Choose a column.")},
            )
        if kind == "chat":
            self.fields["messages"].help_text = _(
                "One column with messages of user and assistant. If so, leave the rest."
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        chosen = {name: column for name, column in data.items() if column}
        if self.kind == "classification":
            layout = "labelled"
        elif "messages" in chosen:
            layout, chosen = "messages", {"messages": chosen["messages"]}
        else:
            layout = "pairs"
            for name in ("prompt", "completion"):
                if name not in chosen:
                    self.add_error(name, _t("Choose a column, or one with the whole conversation."))
        if not self.errors:
            try:
                self.mapping = ColumnMapping(layout, chosen)
            except ValueError:
                self.add_error(None, _t("One column cannot play two parts. Choose different columns."))
        return data


class ResidencyForm(forms.Form):
    """A tick for each country that has a site; the data's present countries are always among them."""

    countries = forms.MultipleChoiceField(
        label=_("Countries whose sites may receive this data"),
        help_text=_("Tick none to allow every site of the federation. You still choose the site of each run."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, dataset: Dataset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = set(Site.objects.order_by().values_list("country", flat=True).distinct()) | set(dataset.residency)
        named = sorted(((code, names.name(code)) for code in codes if code), key=lambda pair: pair[1])
        self.fields["countries"].choices = named  # type: ignore[attr-defined]
