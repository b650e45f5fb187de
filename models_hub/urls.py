"""Pages of this app, gathered from its chapters."""

from importlib import import_module

from django.urls import URLPattern

app_name = "models_hub"

CHAPTERS = ("datasets", "tuned")

urlpatterns: list[URLPattern] = []
for _chapter in CHAPTERS:
    urlpatterns += import_module(f"models_hub.{_chapter}.urls").urlpatterns
