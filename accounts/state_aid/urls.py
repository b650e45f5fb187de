"""Pages about groups of companies, declarations and law; accounts of aid and ledger stand in `accounts.urls`."""

from django.urls import path

from accounts.state_aid import declaration_views, group_views, law_views, reversal_views

urlpatterns = [
    path("organisation/group/", group_views.group, name="group"),
    path("organisation/group/link/", group_views.link, name="group_link"),
    path("organisation/group/link/<uuid:pk>/end/", group_views.link_end, name="group_link_end"),
    path("organisation/group/link/<uuid:pk>/confirm/", group_views.link_confirm, name="group_link_confirm"),
    path("organisation/group/link/<uuid:pk>/refuse/", group_views.link_refuse, name="group_link_refuse"),
    path("organisation/group/event/", group_views.event, name="group_event"),
    path("organisation/group/event/<uuid:pk>/", group_views.event, name="group_event_correct"),
    path("public-support/declare/", declaration_views.declare, name="aid_declare"),
    path("administration/groups/", group_views.groups, name="groups"),
    path("administration/groups/link/<uuid:pk>/", group_views.groups_link, name="groups_link"),
    path("administration/groups/event/<uuid:pk>/", group_views.groups_event, name="groups_event"),
    path("administration/awards/<uuid:pk>/reverse/", reversal_views.award_reverse, name="award_reverse"),
    path("administration/law/", law_views.law, name="law"),
    path("administration/law/scheme/", law_views.scheme, name="law_scheme_add"),
    path("administration/law/scheme/<uuid:pk>/", law_views.scheme, name="law_scheme"),
    path("administration/law/<slug:key>/", law_views.parameters, name="law_parameters"),
]
