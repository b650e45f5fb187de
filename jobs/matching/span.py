"""A length of time in words, as a translatable text. Pure."""

from models_hub.wording import Text, gettext_noop


def span(seconds: float) -> Text:
    """90 -> "2 minutes", 5400 -> "1.5 hours". Rounded up: people wait for the longer one."""
    if seconds < 60:
        return Text(gettext_noop("%(n)s seconds"), {"n": round(seconds)})
    if seconds < 5400:
        return Text(gettext_noop("%(n)s minutes"), {"n": -int(-seconds // 60)})
    if seconds < 48 * 3600:
        return Text(gettext_noop("%(n)s hours"), {"n": round(seconds / 3600, 1)})
    return Text(gettext_noop("%(n)s days"), {"n": round(seconds / 86400)})
