from django.urls import path

from jobs.wizard import views

urlpatterns = [
    path("fine-tuning/", views.wizard_start, name="wizard_start"),
    path("fine-tuning/<uuid:pk>/", views.wizard_resume, name="wizard_resume"),
    path("fine-tuning/<uuid:pk>/step/<int:step>/", views.wizard_step, name="wizard_step"),
    path("fine-tuning/<uuid:pk>/estimate/", views.wizard_estimate, name="wizard_estimate"),
    path("fine-tuning/<uuid:pk>/places/", views.wizard_places, name="wizard_places"),
    path("fine-tuning/<uuid:pk>/sample/", views.wizard_sample, name="wizard_sample"),
    path("fine-tuning/<uuid:pk>/reopen/", views.wizard_reopen, name="wizard_reopen"),
    path("fine-tuning/<uuid:pk>/discard/", views.wizard_discard, name="wizard_discard"),
]
