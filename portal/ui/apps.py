from django.apps import AppConfig


class UiConfig(AppConfig):
    """The design system: template tags, form skin, charts and the frame around every page."""

    name = "portal.ui"
    label = "ui"
