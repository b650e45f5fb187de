from django.urls import path

from catalog.manage import views

urlpatterns = [
    path("administration/catalogue/", views.overview, name="manage"),
    path("administration/catalogue/sites/add/", views.site, name="site_add"),
    path("administration/catalogue/sites/<slug:slug>/", views.site, name="site_edit"),
    path("administration/catalogue/sites/<slug:slug>/hardware/add/", views.partition, name="partition_add"),
    path("administration/catalogue/sites/<slug:slug>/hardware/<int:pk>/", views.partition, name="partition_edit"),
    path("administration/catalogue/hardware/<int:pk>/rate/", views.rate, name="rate_add"),
    path("administration/catalogue/hardware/<int:pk>/rates/", views.rates, name="rates"),
    path("administration/catalogue/rates/<int:pk>/approve/", views.rate_approve, name="rate_approve"),
    path("administration/catalogue/rates/<int:pk>/withdraw/", views.rate_withdraw, name="rate_withdraw"),
    path("administration/catalogue/rates/<int:pk>/evidence/", views.rate_paper, name="rate_paper"),
    path("administration/catalogue/access/add/", views.access_mode, name="access_add"),
    path("administration/catalogue/access/<int:pk>/", views.access_mode, name="access_edit"),
    path("administration/catalogue/models/add/", views.model, name="model_add"),
    path("administration/catalogue/models/<slug:slug>/", views.model, name="model_edit"),
]
