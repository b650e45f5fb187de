"""Site protocol v1, mounted at /site/v1/."""

from django.urls import path

from jobs.siteapi import api

app_name = "siteapi"
urlpatterns = [
    path("enrol", api.enrol, name="enrol"),
    path("session", api.session, name="session"),
    path("keys", api.new_key, name="keys"),
    path("keys/<str:fingerprint>", api.own_key, name="key"),
    path("sync", api.sync, name="sync"),
    path("inputs/<str:token>", api.signed_input, name="signed_input"),
    path("attempts/<str:key>/inputs/<str:name>", api.attempt_input, name="input"),
    path("attempts/<str:key>/artefacts", api.artefacts, name="artefacts"),
    path("attempts/<str:key>/artefacts/<path:path>", api.artefact, name="artefact"),
    path("models/<slug:slug>/tokenizer", api.tokenizer, name="tokenizer"),
    path("openapi.json", api.openapi, name="openapi"),
    # Whatever an agent calls, it is answered by a problem document and not by a page for people.
    path("<path:rest>", api.unknown_address, name="unknown"),
]
