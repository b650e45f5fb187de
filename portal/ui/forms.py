"""The skin of every Django form: our classes on the widgets, so that `{{ form }}` is already right.

Django 5.2 writes labels, hints, errors and their ARIA wiring itself; templates/django/forms/ gives them our looks.
"""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting

_CHECKS = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple)


def css_class(widget: forms.Widget) -> str:
    """The class that gives a widget its look."""
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    if isinstance(widget, _CHECKS) or widget.is_hidden:
        return ""
    if isinstance(widget, forms.Select):
        return "form-control op-select"
    return "form-control"


class PortalBoundField(BoundField):
    """A field that knows how it looks."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        widget = widget or self.field.widget
        built = super().build_widget_attrs(attrs, widget)
        classes = [widget.attrs.get("class", ""), built.get("class", ""), css_class(widget)]
        if self.errors and not isinstance(widget, _CHECKS) and not widget.is_hidden:
            classes.append("op-invalid")
        joined = " ".join(dict.fromkeys(" ".join(filter(None, classes)).split()))
        if joined:
            built["class"] = joined
        return built

    @property
    def is_checkbox(self) -> bool:
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def error_target(self) -> str:
        """Where a link in the error summary must lead: the control, or the first choice of a group."""
        return (
            f"{self.auto_id}_0"
            if isinstance(self.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)
            else self.auto_id
        )


class PortalRenderer(TemplatesSetting):
    """FORM_RENDERER of the portal."""

    bound_field_class = PortalBoundField
