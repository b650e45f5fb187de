"""Pages of jobs."""

from django.urls import path

from jobs.execution import discrepancies, views

urlpatterns = [
    path("jobs/", views.jobs, name="jobs"),
    path("usage/questions/", discrepancies.discrepancies, name="discrepancies"),
    path("usage/questions/<uuid:pk>/", discrepancies.discrepancy, name="discrepancy"),
    path("jobs/<uuid:pk>/", views.job, name="job"),
    path("jobs/<uuid:pk>/status/", views.job_status, name="job_status"),
    path("jobs/<uuid:pk>/log/", views.job_log, name="job_log"),
    path("jobs/<uuid:pk>/log/lines/", views.job_log_lines, name="job_log_lines"),
    path("jobs/<uuid:pk>/metrics/", views.job_metrics, name="job_metrics"),
    path("jobs/<uuid:pk>/files/", views.job_files, name="job_files"),
    path("jobs/<uuid:pk>/cost/", views.job_cost, name="job_cost"),
    path("jobs/<uuid:pk>/cancel/", views.job_cancel, name="job_cancel"),
    path("jobs/<uuid:pk>/moving/", views.job_moving, name="job_moving"),
    path("jobs/<uuid:pk>/retry/", views.job_retry, name="job_retry"),
    path("jobs/<uuid:pk>/copy/", views.job_copy, name="job_copy"),
]
