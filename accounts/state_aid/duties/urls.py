"""Addresses of duties, registers, letters and answers; included by `accounts.urls`."""

from django.urls import path

from accounts.state_aid.bundles import views as bundles
from accounts.state_aid.duties import views as duties
from accounts.state_aid.letters import views as letters
from accounts.state_aid.registers import views as registers

urlpatterns = [
    path("public-support/letters/", letters.letters, name="letters"),
    path("public-support/letters/<uuid:pk>/file/", letters.letter_file, name="letter_file"),
    path("public-support/letters/<uuid:pk>/language/", letters.letter_language, name="letter_language"),
    path("public-support/duties/", duties.duties, name="duties"),
    path("public-support/duties/<uuid:pk>/", duties.duty, name="duty"),
    path("public-support/duties/<uuid:pk>/done/", duties.duty_done, name="duty_done"),
    path("public-support/duties/<uuid:pk>/cancel/", duties.duty_cancel, name="duty_cancel"),
    path("public-support/registers/", registers.register, name="register"),
    path("public-support/registers/<uuid:pk>/file/", registers.export_file, name="export_file"),
    path("public-support/registers/answers/", registers.references, name="references"),
    path("public-support/yearly/", registers.yearly, name="yearly"),
    path("public-support/yearly/file/", registers.yearly_file, name="yearly_file"),
    path("public-support/requests/", bundles.requests, name="requests"),
    path("public-support/requests/new/", bundles.request_new, name="request_new"),
    path("public-support/requests/<uuid:pk>/", bundles.information_request, name="request"),
    path("public-support/requests/<uuid:pk>/bundle.zip", bundles.request_bundle_zip, name="request_bundle_zip"),
    path("public-support/requests/<uuid:pk>/answer/", bundles.request_answer, name="request_answer"),
]
