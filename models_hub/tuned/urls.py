from django.urls import path

from models_hub.tuned import views

urlpatterns = [
    path("results/", views.results, name="results"),
    path("results/<uuid:pk>/", views.result, name="result"),
    path("results/<uuid:pk>/download/", views.result_download, name="result_download"),
    path("results/<uuid:pk>/SHA256SUMS", views.result_sums, name="result_sums"),
    path("results/<uuid:pk>/files/<path:path>", views.result_file, name="result_file"),
    path("results/<uuid:pk>/delete/", views.result_delete, name="result_delete"),
]
