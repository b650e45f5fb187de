"""What the frame around every page shows about the signed-in person. Costs one query: unread notices."""

from django.http import HttpRequest

from accounts.roles import ORGANISATION_ROLES, Role
from accounts.selectors import unread_count
from portal.ui import visitors

_WORDS = {
    **dict.fromkeys(ORGANISATION_ROLES, visitors.MEMBER),
    Role.HELPDESK: visitors.HELPDESK,
    Role.OPERATOR: visitors.OPERATOR,
    Role.ADMINISTRATOR: visitors.ADMINISTRATOR,
    Role.AUDITOR: visitors.AUDITOR,
}


def read_visitor(request: HttpRequest) -> visitors.Visitor | None:
    """The reader that `portal.ui` asks; uses the grants that the middleware loaded."""
    user = request.user
    if not user.is_authenticated:
        return None
    organisation = getattr(request, "organisation", None)
    grants = list(user.role_grants.all())
    theirs = {grant.organisation_id: grant.organisation for grant in grants if grant.organisation_id}
    return visitors.Visitor(
        name=str(user),
        email=user.email,
        roles=frozenset(_WORDS[Role(grant.role)] for grant in grants),
        organisation=str(organisation) if organisation else "",
        organisations=[
            visitors.Choice(id=pk, name=str(one), current=organisation is not None and pk == organisation.pk)
            for pk, one in theirs.items()
        ],
        unread=unread_count(user),
    )
