"""The addresses of the interview about size, the group, the papers, the statements and their review."""

from django.urls import path

from accounts.views import evidence, interview, ownership, reviews, statements

urlpatterns = [
    path("organisation/size/owners/", interview.step, {"code": "owners"}, name="size_owners"),
    path("organisation/size/holdings/", interview.step, {"code": "holdings"}, name="size_holdings"),
    path("organisation/size/changes/", interview.step, {"code": "changes"}, name="size_changes"),
    path("organisation/size/figures/", interview.figures, name="size_figures"),
    path("organisation/size/preview/", interview.preview, name="size_preview"),
    path("organisation/size/group/", ownership.group, name="size_group"),
    path("organisation/size/group/persons/", ownership.persons, name="size_persons"),
    path("organisation/size/group/add/", ownership.party_new, name="party_new"),
    path("organisation/size/group/<uuid:pk>/", ownership.party, name="party"),
    path("organisation/size/group/<uuid:pk>/remove/", ownership.party_remove, name="party_remove"),
    path("organisation/size/group/years/<int:pk>/remove/", ownership.party_year_remove, name="party_year_remove"),
    path("organisation/size/group/holdings/add/", ownership.holding_new, name="holding_new"),
    path("organisation/size/group/holdings/<uuid:pk>/", ownership.holding, name="holding"),
    path("organisation/size/group/holdings/<uuid:pk>/remove/", ownership.holding_remove, name="holding_remove"),
    path("organisation/size/papers/", evidence.papers, name="size_papers"),
    path("organisation/size/papers/<uuid:pk>/file/", evidence.evidence_file, name="evidence_file"),
    path("organisation/size/papers/<uuid:pk>/remove/", evidence.evidence_remove, name="evidence_remove"),
    path("organisation/size/check/", interview.check, name="size_check"),
    path("organisation/size/statements/<uuid:pk>/", statements.statement, name="size_statement"),
    path("organisation/size/statements/<uuid:pk>/file.pdf", statements.statement_pdf, name="size_statement_file"),
    path("size-reviews/", reviews.queue, name="size_reviews"),
    path("size-reviews/<uuid:pk>/", reviews.review, name="size_review"),
]
