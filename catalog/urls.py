from django.urls import path

from catalog import views
from catalog.manage.urls import urlpatterns as manage

app_name = "catalog"
urlpatterns = [
    path("models/", views.models, name="models"),
    path("models/compare/", views.compare, name="compare"),
    path("models/<slug:slug>/", views.model, name="model"),
    path("sites/", views.sites, name="sites"),
    path("sites/<slug:slug>/", views.site, name="site"),
    path("access-modes/", views.access, name="access"),
    *manage,
]
