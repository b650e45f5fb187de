"""What the portal told the person, and, in the embedded mode, the e-mails it would have sent."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import services
from accounts.models import OutboxMessage
from accounts.outbox import comes_from_this_machine
from accounts.views.access import person
from portal.kernel.clock import now

PER_PAGE = 25


@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    notices = person(request).notifications.select_related("organisation")
    page = Paginator(notices, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/notifications.html", {"page_obj": page})


@login_required
def notification(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Follows a notice to where it leads and marks it as read; following it again does no harm."""
    notice = get_object_or_404(person(request).notifications, pk=pk)
    services.mark_read(user=person(request), at=now(), notice=notice)
    safe = notice.path and url_has_allowed_host_and_scheme(notice.path, allowed_hosts=None)
    return redirect(notice.path if safe else reverse("accounts:notifications"))


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    services.mark_read(user=person(request), at=now())
    return redirect("accounts:notifications")


@never_cache
def outbox(request: HttpRequest) -> HttpResponse:
    """E-mails of the embedded mode, for whoever sits at this machine: codes are read here while signing up."""
    if not settings.EMBEDDED or not comes_from_this_machine(request):
        raise Http404
    page = Paginator(OutboxMessage.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/outbox.html", {"page_obj": page})
