"""Letters as the beneficiary and the officers find them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import AidLetter, Organisation
from accounts.state_aid.letters.services import filename, letter_in, letters_visible_to, pdf_of
from accounts.state_aid.letters.wording import languages
from accounts.views.access import in_organisation, organisation_of, person, way_back


@in_organisation
def letters(request: HttpRequest) -> HttpResponse:
    """Every letter to the organisation."""
    organisation = organisation_of(request)
    context = {"organisation": organisation, **letters_of(organisation)}
    return render(request, "accounts/letters/letters.html", context)


def letters_of(organisation: Organisation) -> dict[str, Any]:
    """What the template `accounts/letters/_letters.html` needs, newest letter first. One query."""
    found: QuerySet[AidLetter] = organisation.aid_letters.order_by("-created_at")
    return {"letters": [shown(letter) for letter in found], "letter_languages": languages().items()}


def shown(letter: AidLetter) -> dict[str, Any]:
    """One letter as lists show it."""
    stated = letter.content["facts"]
    return {
        "letter": letter,
        "ident": stated["ident"],
        "reference": stated["reference"],
        "authority": stated["authority"],
        "is_correction": letter.kind == "correction",
        "language": languages().get(letter.language, letter.language),
        "amount": stated["amount"],
        "issued_on": stated["issued_on"],
    }


@login_required
def letter_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The PDF, drawn again from what the letter says."""
    letter = get_object_or_404(letters_visible_to(person(request)), pk=pk)
    pdf, _same = pdf_of(letter)
    answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{filename(letter)}"'
    answer["X-Content-SHA256"] = letter.sha256
    return answer


@login_required
@require_POST
def letter_language(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same letter in another language, for whoever may read it."""
    letter = get_object_or_404(letters_visible_to(person(request)), pk=pk)
    copy = letter_in(letter=letter, language=request.POST.get("language", ""), actor=person(request))
    messages.success(request, _("The letter is ready in %(language)s.") % {"language": languages()[copy.language]})
    return redirect(way_back(request, "/public-support/letters/"))
