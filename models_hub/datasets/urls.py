from django.urls import path

from models_hub.datasets import views

urlpatterns = [
    path("data/", views.datasets, name="datasets"),
    path("data/upload/", views.dataset_upload, name="dataset_upload"),
    path("data/sample/", views.dataset_sample, name="dataset_sample"),
    path("data/<uuid:pk>/", views.dataset, name="dataset"),
    path("data/<uuid:pk>/status/", views.dataset_status, name="dataset_status"),
    path("data/<uuid:pk>/columns/", views.dataset_mapping, name="dataset_mapping"),
    path("data/<uuid:pk>/residency/", views.dataset_residency, name="dataset_residency"),
    path("data/<uuid:pk>/rejected/", views.dataset_rejected, name="dataset_rejected"),
    path("data/<uuid:pk>/delete/", views.dataset_delete, name="dataset_delete"),
]
