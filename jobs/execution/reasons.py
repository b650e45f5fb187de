"""What a company reads of a failed job: the portal's own words, translated, for the code that the site has sent."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from models_hub.specs.reasons import Trouble, named, trouble_of


def reason_of(hint_code: str, said: Mapping[str, Any]) -> Trouble:
    """The row that the site named, if it is one of this end; else the row of the end itself."""
    row = trouble_of(str(said.get("reason") or ""))
    if row is not None and row.hint == hint_code:
        return row
    return trouble_of(hint_code) or named("internal")


def sentence_for(row: Trouble, said: str) -> str:
    """The row's sentence translated, or what was said where it tells more, as of the row of data that is unusable."""
    return said if said and said != row.sentence else _(row.sentence)
