from django.urls import path

from portal.ui import views

app_name = "ui"

urlpatterns = [
    path("patterns/", views.patterns, name="patterns"),
    path("appearance/", views.theme, name="theme"),
    path("language/", views.language, name="language"),
]
