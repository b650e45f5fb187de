"""Where each app's pages are mounted."""

from django.urls import include, path

from portal import views

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.health, name="health"),
    path("privacy/", views.privacy, name="privacy"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("help/", views.guide, name="help"),
    path("account/", include("allauth.urls")),
    path("", include("portal.ui.urls")),
    path("", include("accounts.urls")),
    path("", include("catalog.urls")),
    path("", include("models_hub.urls")),
    path("", include("jobs.urls")),
    path("site/v1/", include("jobs.siteapi.urls")),
]

handler500 = "portal.ui.views.server_error"
