"""Taking an award back altogether, because it should never have been granted. For administrators."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.models import AidAward
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid.services import reverse_award, standing
from accounts.views.access import add_refusal, person
from portal.kernel.clock import today
from portal.kernel.errors import DomainError
from portal.ui.numbers import money


class ReversalForm(forms.Form):
    reason = forms.CharField(
        label=lazy("Why is it taken back?"),
        help_text=lazy("The company, the register and auditors read it. Name the decision and where it is written."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        error_messages={"required": lazy("Say why: auditors read it ten years later.")},
    )


@login_required
def award_reverse(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`pk` is the award's thread. Shows its life and what is left before anything happens."""
    require(person(request), Action.MANAGE_LAW)
    rows = list(AidAward.objects.filter(award=pk).select_related("organisation").order_by("created_at"))
    if not rows:
        raise Http404
    form = ReversalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = reverse_award(award=pk, reason=form.cleaned_data["reason"], actor=person(request), on=today())
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(
                request, _("Taken back: %(amount)s no longer counts.") % {"amount": money(-row.amount_eur)}
            )
            return redirect("accounts:award_reverse", pk)
    context = {"form": form, "first": rows[0], "rows": rows, "left": standing(pk)}
    return render(request, "accounts/award_reverse.html", context)
