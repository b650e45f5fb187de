from django.urls import path

from jobs.sites import actions, views

urlpatterns = [
    path("operations/", views.sites, name="operated_sites"),
    path("operations/<slug:slug>/", views.site, name="operated_site"),
    path("operations/<slug:slug>/jobs/", views.jobs, name="operated_jobs"),
    path("operations/<slug:slug>/agents/", views.agents, name="operated_agents"),
    path("operations/<slug:slug>/maintenance/", views.maintenance, name="operated_maintenance"),
    path("operations/<slug:slug>/messages/", views.messages, name="operated_messages"),
    path("operations/<slug:slug>/accounts/", views.accounts, name="operated_accounts"),
    path("operations/<slug:slug>/removals/", views.removals, name="operated_removals"),
    path("operations/<slug:slug>/drain/", actions.drain, name="operated_drain"),
    path("operations/<slug:slug>/codes/", actions.code, name="operated_code"),
    path("operations/<slug:slug>/codes/<int:number>/withdraw/", actions.code_withdraw, name="operated_code_withdraw"),
    path("operations/<slug:slug>/agents/<uuid:agent>/revoke/", actions.agent_revoke, name="operated_agent_revoke"),
    path("operations/<slug:slug>/agents/<uuid:agent>/replace-key/", actions.key_replace, name="operated_key_replace"),
    path("operations/<slug:slug>/keys/<int:number>/revoke/", actions.key_revoke, name="operated_key_revoke"),
    path(
        "operations/<slug:slug>/maintenance/<int:number>/call-off/", actions.maintenance_end, name="operated_call_off"
    ),
    path("operations/<slug:slug>/removals/<uuid:attempt>/", actions.removal_confirm, name="operated_removal"),
]
