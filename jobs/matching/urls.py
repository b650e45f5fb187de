"""Pages that compare places."""

from django.urls import path

from jobs.matching import views

urlpatterns = [
    path("matching/", views.matching, name="matching"),
    path("matching/weights/", views.matching_weights, name="matching_weights"),
]
