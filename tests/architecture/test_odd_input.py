"""No address falls over what a browser would never send: every one is asked with odd words, none may answer 500.

The list comes from the URL configuration, the fields from the forms on the pages themselves.
"""

import re
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.urls import NoReverseMatch, get_resolver, reverse

from accounts.models import User
from accounts.roles import Role
from tests.architecture.test_isolation import OPEN, Owned, _walk, address
from tests.factories import grant, with_second_factor

# A character PostgreSQL cannot keep, more than any column holds, numbers out of range, no characters, markup.
ODD = ("\0", "9" * 5000, "-1", "\ufffe \u202e <b>'\"; --", "NaN")
ODD_TO_READ = ODD[:2]
# Every parameter that any page reads from its address.
READ = (
    "page", "year", "kind", "show", "next", "model", "from", "to", "view", "state", "side", "q", "offset", "of", "jobs",
    "format", "sort", "order", "day", "site", "organisation", "status", "sector", "licence", "size",
)  # fmt: skip
APPS = {"accounts", "catalog", "models_hub", "jobs"}
# What these do is leave: signing out, or deleting whom we ask as.
LEAVES = {"accounts:delete_account", "accounts:erase"}
_FIELD = re.compile(r"""<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)""")


def every_address() -> list[tuple[str, str, tuple[str, ...]]]:
    found = set()
    for namespace, pattern in _walk(get_resolver()):
        if namespace in APPS and pattern.name:
            found.add((f"{namespace}:{pattern.name}", pattern.name, tuple(pattern.pattern.converters)))
    return sorted(found - {one for one in found if one[0] in LEAVES | OPEN or "sample" in one[1]})


class Somebody:
    """One person who may do everything, so that no page hides behind a refusal."""

    def __init__(self) -> None:
        self.owned = Owned()
        self.user: User = self.owned.owner
        site = self.owned.allocation.site.slug
        for role in (Role.HELPDESK, Role.OPERATOR):
            grant(self.user, role, site_slug=site)
        for role in (Role.ADMINISTRATOR, Role.AUDITOR):
            grant(self.user, role)
        with_second_factor(self.user)

    def addresses(self, chosen: list[tuple[str, str, tuple[str, ...]]]) -> Iterator[str]:
        for view, name, parameters in chosen:
            if view.startswith("catalog:") and parameters:
                try:
                    yield reverse(view, args=[self.owned.allocation.site.slug])
                except NoReverseMatch:
                    continue
            else:
                yield address(view, name, parameters, self.owned) if parameters else reverse(view)


PARTS = 8


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_falls_over_odd_words(client, part):
    somebody = Somebody()
    client.raise_request_exception = False
    asked, fell = 0, []
    for one in every_address()[part::PARTS]:
        # Each address is asked about rows of its own: one that deletes them does not spoil the others.
        with transaction.atomic():
            for url in somebody.addresses([one]):
                client.force_login(somebody.user)
                page = client.get(url)
                fields = _FIELD.findall(page.content.decode(errors="replace")) if not page.streaming else []
                answers = {"nothing": client.post(url).status_code}
                for odd in ODD_TO_READ:
                    answers[f"read {odd[:9]!r}"] = client.get(url, dict.fromkeys(READ, odd)).status_code
                for turn in (0, 2):
                    words = {name: ODD[(place + turn) % len(ODD)] for place, name in enumerate(fields)}
                    answers[f"send, turn {turn}"] = client.post(url, words).status_code
                fell += [f"{url}: {how}" for how, status in answers.items() if status >= 500]
                asked += len(answers)
            transaction.set_rollback(True)
    assert asked > 60
    assert not fell
