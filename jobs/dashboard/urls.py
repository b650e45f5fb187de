from django.urls import path

from jobs.dashboard import views

urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("usage/", views.usage, name="usage"),
    path("usage/table.csv", views.usage_table, name="usage_csv"),
    path("estimate/", views.estimate_public, name="estimate_public"),
]
