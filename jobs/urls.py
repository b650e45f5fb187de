"""Pages of this app, gathered from its chapters."""

from importlib import import_module

from django.urls import URLPattern

app_name = "jobs"

CHAPTERS = ("dashboard", "wizard", "execution", "applications", "allocations", "matching", "sites")

urlpatterns: list[URLPattern] = []
for _chapter in CHAPTERS:
    urlpatterns += import_module(f"jobs.{_chapter}.urls").urlpatterns
