from django.urls import path

from jobs.applications import helpdesk, supported, views

urlpatterns = [
    path("access/", views.applications, name="applications"),
    path("access/new/", views.application_new, name="application_new"),
    path("access/<uuid:pk>/", views.application, name="application"),
    path("access/<uuid:pk>/edit/", views.application_edit, name="application_edit"),
    path("access/<uuid:pk>/autosave/", views.application_autosave, name="application_autosave"),
    path("access/<uuid:pk>/places/", views.application_places, name="application_places"),
    path("access/<uuid:pk>/check/", views.application_check, name="application_check"),
    path("access/<uuid:pk>/withdraw/", views.application_withdraw, name="application_withdraw"),
    path("helpdesk/", helpdesk.queue, name="queue"),
    path("helpdesk/public-support/", supported.supported, name="supported"),
    path("helpdesk/public-support/<uuid:pk>/", supported.supported_company, name="supported_company"),
    path("helpdesk/<uuid:pk>/", helpdesk.review, name="review"),
]
