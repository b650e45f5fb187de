"""A site takes no new work, or takes it again. What runs goes on in either case."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from catalog.models import Site
from portal.kernel.errors import DomainError

Status = Site.Status


@transaction.atomic
def set_drain(*, site: Site, on: bool, actor: User) -> bool:
    """True when this changed something. The portal hands out nothing from now on; the agents hear it in their sync."""
    require(actor, Action.OPERATE_SITE, site_slug=site.slug)
    site = Site.objects.select_for_update(of=("self",)).get(pk=site.pk)
    if site.status == Status.KNOWN:
        raise DomainError("site_not_connected", _("This site is not connected yet. Enrol its agent first."))
    wanted = Status.DRAINING if on else Status.CONNECTED
    if site.status == wanted:
        return False
    Site.objects.filter(pk=site.pk).update(status=wanted)
    audit.record(actor=actor, action="site.drained" if on else "site.opened", target=site, site=site.slug)
    return True
