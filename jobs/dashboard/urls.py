from django.urls import path

from jobs.dashboard import economic, views

urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("usage/", views.usage, name="usage"),
    path("usage/table.csv", views.usage_table, name="usage_csv"),
    path("economic-use/", economic.economic_use_page, name="economic_use"),
    path("economic-use/table.csv", economic.economic_use_csv, name="economic_use_csv"),
    path("estimate/", views.estimate_public, name="estimate_public"),
]
