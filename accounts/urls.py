"""Pages about people and organisations. Sign-in and sign-up pages are allauth's, under /account/."""

from django.urls import path

from accounts.state_aid import urls as state_aid_urls
from accounts.state_aid import views as aid
from accounts.state_aid.duties import urls as duty_urls
from accounts.state_aid.ledger import views as ledger
from accounts.views import administration, figures, messages, organisation, profile, size_urls, team

app_name = "accounts"

urlpatterns = [
    path("organisation/", organisation.show, name="organisation"),
    path("organisation/new/", organisation.create, name="organisation_create"),
    path("organisation/edit/", organisation.edit, name="organisation_edit"),
    path("organisation/switch/", organisation.switch, name="switch"),
    path("organisation/team/", team.team, name="team"),
    path("organisation/team/<uuid:pk>/", team.member, name="member"),
    path("organisation/team/invitations/<uuid:pk>/withdraw/", team.withdraw, name="invitation_withdraw"),
    path("organisation/figures/", figures.facts, name="company_facts"),
    path("organisation/figures/<int:pk>/remove/", figures.forget, name="company_facts_remove"),
    *size_urls.urlpatterns,
    path("invitation/<str:token>/", team.invitation, name="invitation"),
    path("public-support/", aid.aid, name="aid"),
    *state_aid_urls.urlpatterns,
    path("public-support/table.csv", aid.aid_csv, name="aid_csv"),
    path("public-support/account.json", aid.aid_json, name="aid_json"),
    path("public-support/ledger/", ledger.ledger, name="aid_ledger"),
    path("public-support/ledger/export/", ledger.export, name="aid_ledger_export"),
    path("public-support/ledger/recompute/", ledger.replay_many, name="aid_replay"),
    path("public-support/ledger/verdicts/", ledger.verdicts, name="aid_verdicts"),
    path("public-support/ledger/<uuid:pk>/", ledger.assessment, name="aid_assessment"),
    *duty_urls.urlpatterns,
    path("notifications/", messages.notifications, name="notifications"),
    path("notifications/read/", messages.read_all, name="notifications_read"),
    path("notifications/<uuid:pk>/", messages.notification, name="notification"),
    path("outbox/", messages.outbox, name="outbox"),
    path("profile/", profile.profile, name="profile"),
    path("profile/export/", profile.export, name="profile_export"),
    path("profile/delete/", profile.erase, name="profile_delete"),
    path("administration/", administration.administration, name="administration"),
    path("administration/roles/", administration.roles, name="roles"),
    path("administration/roles/<int:pk>/revoke/", administration.revoke, name="role_revoke"),
    path("administration/audit/", administration.audit, name="audit"),
]
