"""Two buttons pressed in the same moment."""

import pytest

from accounts.models import SmeAssessment
from accounts.services import declare_size
from accounts.services.ownership import save_holding
from accounts.services.size import replayed
from tests.accounts.size.conftest import TODAY
from tests.accounts.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_signatures_at_once_make_one_statement(v5):
    def sign():
        return declare_size(actor=v5.owner, organisation=v5.organisation, on=TODAY).pk

    first, second = together(sign, sign)
    assert first.result() == second.result()
    assert SmeAssessment.objects.count() == 1


def test_what_is_signed_is_one_whole_graph_whatever_changes_meanwhile(v5):
    """A share changed while somebody signs is either in the statement or not, and the statement computes the same."""
    holding = v5.organisation.holdings.get(owner__name="Partner Holding GmbH", owned=v5.centre)

    def change():
        more = {"owner": holding.owner, "owned": holding.owned, "capital": 51, "votes": 51}
        save_holding(actor=v5.owner, organisation=v5.organisation, holding=holding, **more)

    def sign():
        return declare_size(actor=v5.owner, organisation=v5.organisation, on=TODAY)

    together(change, sign)[0].result()
    signed = SmeAssessment.objects.get()
    votes = {row["votes"] for row in signed.trace["inputs"]["ownership"]["holdings"]}
    kinds = {row["kind"] for row in signed.trace["relations"]}
    assert ("51.0000" in votes) == ("linked" in kinds)
    assert replayed(signed)
