"""The filters of the model list. A wrong value in an address is ignored, never an error page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.selectors import Facets

MEMORY_STEPS = (8, 16, 24, 40, 64, 80, 141)


class ModelFilterForm(forms.Form):
    mark_optional = False

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    task = forms.ChoiceField(label=_("What it does"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    licence = forms.ChoiceField(label=_("Licence"), required=False)
    memory = forms.ChoiceField(label=_("Fits a GPU of"), required=False)
    country = forms.ChoiceField(label=_("Made in"), required=False)
    ready = forms.BooleanField(label=_("Ready at a connected site"), required=False)

    def __init__(self, *args: Any, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        any_one: list[tuple[str, Any]] = [("", _("Any"))]
        choices: dict[str, list[tuple[str, Any]]] = {
            "task": facets.tasks,
            "language": facets.languages,
            "licence": [("commercial", _("Commercial use allowed")), *facets.licences],
            "memory": [(str(step), _("%(gb)s GB") % {"gb": step}) for step in MEMORY_STEPS],
            "country": facets.countries,
        }
        for name, offered in choices.items():
            self.fields[name].choices = [*any_one, *offered]  # type: ignore[attr-defined]

    def wanted(self) -> dict[str, Any]:
        """What was asked for and understood."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
