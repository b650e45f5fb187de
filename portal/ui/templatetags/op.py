"""The portal's template tags and filters. A builtin library: no `{% load %}` is needed.

Block tags take their content between `{% name … %}` and `{% endname %}`; every tag prints one of templates/components/.
docs/design-system.md shows a line of use for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from django import template
from django.core.paginator import Page
from django.forms import BaseForm
from django.forms.boundfield import BoundField, BoundWidget
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

from portal.ui import charts, geography, icons, landing, numbers
from portal.ui import steps as step_charts
from portal.ui.navigation import address
from portal.ui.status import status_of

register = template.Library()

# Django's own messages for these do not name the field; far from it, in the summary, they must.
GENERIC = frozenset({"required", "invalid", "invalid_choice", "min_value", "max_value", "min_length", "max_length"})

TONE_ICONS = {
    "": "info-circle",
    "info": "info-circle",
    "ok": "check-circle-fill",
    "warn": "exclamation-triangle-fill",
    "bad": "x-circle-fill",
}


def draw(context: Context, name: str, **values: Any) -> SafeString:
    """One component's template with these values; it also sees the request, for links and tokens."""
    engine = context.template.engine if context.template else template.engine.Engine.get_default()
    inherited = {key: context[key] for key in ("request", "frame", "csrf_token") if key in context}
    component = engine.get_template(f"components/{name}.html")
    # Rendered by the template engine, which has escaped what needed it.
    return mark_safe(component.render(context.new({**inherited, **values})).strip())  # noqa: S308


def _trimmed(content: str) -> SafeString:
    """A block's content without the blank space around it, so that templates can ask whether there is any."""
    return mark_safe(content.strip())  # noqa: S308 - rendered by the template engine, already escaped


# ---- words and numbers -------------------------------------------------------------------------------------------

register.filter("number", numbers.number)
register.filter("money", numbers.money)
register.filter("hours", numbers.hours)
register.filter("gpu_hours", numbers.gpu_hours)
register.filter("duration", numbers.duration)
register.filter("size", numbers.size)
register.filter("percent", numbers.percent)


@register.filter
def message_tone(level_tag: str) -> str:
    """Django's message level as one of our tones."""
    return {"success": "ok", "warning": "warn", "error": "bad"}.get(level_tag, "info")


@register.filter
def tone_icon(tone: str) -> str:
    return TONE_ICONS.get(tone, "info-circle")


@register.simple_tag
def i(name: str, css: str = "") -> SafeString:
    """`{% i "clock" %}` or `{% i "clock" "icon-lg" %}`: a decorative icon."""
    return icons.icon(name, css)


@register.simple_block_tag
def html(content: str) -> str:
    """`{% html as lead %}…{% endhtml %}` keeps markup in a variable, to hand it to a component."""
    return content


@register.simple_tag
def url_or(view: str, otherwise: str = "", **kwargs: Any) -> str:
    """The URL of a view that may not be there; `otherwise` when it is not."""
    return address(view, **kwargs) or otherwise


# ---- page and surfaces -------------------------------------------------------------------------------------------


@register.simple_block_tag(takes_context=True)
def page_head(
    context: Context, content: str, title: str, lead: str = "", eyebrow: str = "", tight: bool = False
) -> str:
    """The page's only h1, a sentence under it, and its actions as content."""
    return draw(context, "page_head", title=title, lead=lead, eyebrow=eyebrow, actions=_trimmed(content), tight=tight)


@register.simple_block_tag(takes_context=True)
def card(
    context: Context,
    content: str,
    title: str = "",
    *,
    id: str = "",
    aside: str = "",
    link: str = "",
    link_text: str = "",
    level: int = 2,
    flush: bool = False,
    css: str = "",
    label: str = "",
) -> str:
    """A surface with a heading. `flush` drops the padding (for tables); `aside` is markup at the head's end."""
    heading = id or f"h-{crc32(str(title).encode()):08x}"
    return draw(
        context, "card", content=content, title=title, id=heading, aside=aside, link=link, link_text=link_text,
        level=level, flush=flush, css=css, label=label,
    )  # fmt: skip


@register.simple_block_tag(takes_context=True)
def disclose(context: Context, content: str, summary: str, open: bool = False, css: str = "") -> str:
    """Details on demand; works without scripts."""
    return draw(context, "disclose", content=content, summary=summary, open=open, css=css)


@register.simple_block_tag(takes_context=True)
def banner(context: Context, content: str, tone: str = "info", role: str = "") -> str:
    """A message about the page: tone info, ok, warn or bad. Give role="status" only when it appears on its own."""
    return draw(context, "banner", content=content, tone=tone, role=role)


@register.simple_block_tag(takes_context=True)
def note(context: Context, content: str, icon: str = "info-circle") -> str:
    """A quiet remark inside a card or form."""
    return draw(context, "note", content=content, icon=icon)


@register.simple_block_tag(takes_context=True)
def done(context: Context, content: str, title: str, level: int = 1) -> str:
    """What was just completed, with its reference."""
    return draw(context, "done", content=content, title=title, level=level)


@register.simple_block_tag(takes_context=True)
def empty(context: Context, content: str, title: str, icon: str = "inbox", text: str = "", level: int = 2) -> str:
    """Nothing here yet: what this is, why it is empty (text), and the one thing to do (content: buttons)."""
    return draw(context, "empty", title=title, icon=icon, text=text, actions=_trimmed(content), level=level)


@register.simple_block_tag(takes_context=True)
def waiting(context: Context, content: str, title: str) -> str:
    """Something is being worked out; content says what and how long. Announced politely."""
    return draw(context, "waiting", title=title, content=content)


@register.simple_block_tag(takes_context=True)
def quote(context: Context, content: str) -> str:
    """Somebody's own words."""
    return draw(context, "quote", content=content)


@register.simple_block_tag(takes_context=True)
def buttons(context: Context, content: str) -> str:
    """The row of buttons that ends a form."""
    return draw(context, "buttons", content=content)


@register.simple_block_tag(takes_context=True)
def table(context: Context, content: str, caption: str, cards: bool = True, css: str = "") -> str:
    """A table with its caption; rows become cards on small screens. Content: thead and tbody, cells with data-label."""
    return draw(context, "table", content=content, caption=caption, cards=cards, css=css)


@register.simple_block_tag(takes_context=True)
def refusal(context: Context, content: str, title: str, icon: str = "exclamation-triangle") -> str:
    """A whole page that says no: what happened, and what to do next."""
    return draw(context, "refusal", title=title, icon=icon, content=content)


# ---- status and quantity -----------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def tag(context: Context, text: str, tone: str = "", icon: str = "", plain: bool = False) -> str:
    """A word in a tone: "", run, ok, warn or bad."""
    return draw(context, "tag", text=text, tone=tone, icon=icon, plain=plain)


@register.simple_tag(takes_context=True)
def status_tag(context: Context, machine: str, state: Any) -> str:
    """`{% status_tag "job" job.state %}`: the state's word, tone and icon."""
    said = status_of(machine, state)
    return draw(context, "tag", text=said.label, tone=said.tone, icon=said.icon, plain=False)


def _parts(used: Any, held: Any, tone: str) -> list[dict[str, Any]]:
    first = max(0.0, min(100.0, float(used or 0)))
    second = max(0.0, min(100.0 - first, float(held or 0)))
    parts: list[dict[str, Any]] = [{"css": "warn" if tone == "warn" else "used", "x": 0.0, "width": round(first, 2)}]
    return [*parts, {"css": "held", "x": round(first, 2), "width": round(second, 2)}] if second else parts


@register.simple_tag(takes_context=True)
def meter(
    context: Context, used: Any = 0, held: Any = 0, label: str = "", tone: str = "", css: str = "", parts: Any = None
) -> str:
    """A bar of 100: percent used, percent held. `parts`: (colour 1–4, percent) pairs instead.

    Say the numbers beside it.
    """
    if parts is None:
        drawn = _parts(used, held, tone)
    else:
        drawn, x = [], 0.0
        for series, width in parts:
            clipped = max(0.0, min(100.0 - x, float(width or 0)))
            drawn.append({"css": f"op-c{series}", "x": round(x, 2), "width": round(clipped, 2)})
            x += clipped
    return draw(context, "meter", parts=drawn, label=label, css=css)


@register.simple_block_tag(takes_context=True)
def quota(
    context: Context,
    content: str,
    title: str,
    *,
    icon: str,
    big: str,
    unit: str = "",
    used: Any = 0,
    held: Any = 0,
    used_text: str = "",
    held_text: str = "",
    tone: str = "",
    level: int = 3,
) -> str:
    """How much is left of something, with a bar and a remark (content). used and held are percent."""
    return draw(
        context, "quota", title=title, icon=icon, big=big, unit=unit, parts=_parts(used, held, tone),
        used_text=used_text, held_text=held_text, tone=tone, level=level, note=_trimmed(content),
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def stale(context: Context, text: str) -> str:
    """That a figure is old: "Last heard from LUMI 12 minutes ago". Never show a frozen figure as current."""
    return draw(context, "stale", text=text)


@register.simple_tag(takes_context=True)
def chart_bars(context: Context, chart: charts.Chart) -> str:
    """Stacked columns with a legend and the same numbers as a table."""
    return draw(context, "chart_bars", chart=chart, drawing=charts.bars(chart))


@register.simple_tag(takes_context=True)
def chart_lines(context: Context, chart: charts.Chart) -> str:
    """Lines with a legend and the same numbers as a table."""
    return draw(context, "chart_lines", chart=chart, drawing=charts.lines(chart))


@register.simple_tag(takes_context=True)
def chart_steps(context: Context, chart: step_charts.StepChart) -> str:
    """A quantity that holds and then drops, on a true time axis, with the same as a table."""
    return draw(context, "chart_steps", chart=chart, drawing=step_charts.steps(chart))


@register.simple_tag(takes_context=True)
def sites_map(context: Context, sites: Iterable[Any], label: str = "") -> str:
    """A map of Europe with a dot for each site. Sites: name, url, connected, latitude, longitude (mapping or object).

    Always put the equal list beside it.
    """

    def read(site: Any, key: str) -> Any:
        return site.get(key) if isinstance(site, Mapping) else getattr(site, key, None)

    dots = []
    for site in sites:
        latitude, longitude = read(site, "latitude"), read(site, "longitude")
        if latitude is None or longitude is None:
            continue
        x, y = geography.place(float(latitude), float(longitude))
        connected = bool(read(site, "connected"))
        url = read(site, "url") or getattr(site, "get_absolute_url", str)()
        dots.append({"name": str(read(site, "name")), "url": url, "connected": connected, "x": x, "y": y})
    dots.sort(key=lambda dot: dot["connected"])
    return draw(context, "sites_map", dots=dots, label=label, width=geography.WIDTH, height=geography.HEIGHT)


@register.simple_tag
def landing_sites() -> Sequence[Any]:
    """`{% landing_sites as sites %}`: the sites for the landing page's map and list."""
    return landing.sites()


# ---- lists -------------------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def tasks(context: Context, title: str, items: Sequence[Any]) -> str:
    """Things that need the person. Items: url, title, note, tag, tone, icon."""
    return draw(context, "tasks", title=title, items=items)


@register.simple_tag(takes_context=True)
def task_list(context: Context, items: Sequence[Any]) -> str:
    """Steps to set something up. Items: title, url (none while it cannot be done), state done|todo|later."""
    return draw(context, "task_list", items=items)


@register.simple_block_tag(takes_context=True)
def summary(context: Context, content: str, css: str = "") -> str:
    """A list of facts; content: `{% row %}` tags."""
    return draw(context, "summary", content=content, css=css)


@register.simple_block_tag(takes_context=True)
def row(context: Context, content: str, term: str, hint: str = "") -> str:
    """One fact of a `{% summary %}`: its name, and its value as content."""
    return draw(context, "row", content=content, term=term, hint=hint)


@register.simple_tag(takes_context=True)
def steps(context: Context, items: Sequence[Any], label: str = "") -> str:
    """Where one is in a journey. Items: label, url, state done|current|todo."""
    return draw(context, "steps", items=items, label=label)


@register.simple_tag(takes_context=True)
def checks(context: Context, items: Sequence[Any]) -> str:
    """Rules and their outcomes. Items: outcome ok|warn|bad|unknown, title, text, url, link_text."""
    return draw(context, "checks", items=items)


@register.simple_tag(takes_context=True)
def timeline(context: Context, items: Sequence[Any]) -> str:
    """What happened and what comes next. Items: title, when, text, on (already happened)."""
    return draw(context, "timeline", items=items)


@register.simple_tag(takes_context=True)
def thread(context: Context, items: Sequence[Any], empty_text: str = "") -> str:
    """A conversation. Items: author, role, when, body, mine, kind (message|event)."""
    return draw(context, "thread", items=items, empty_text=empty_text)


@register.simple_tag(takes_context=True)
def filters(context: Context, items: Sequence[Any], label: str) -> str:
    """Links that narrow a list. Items: url, label, count, current."""
    return draw(context, "filters", items=items, label=label)


@register.simple_tag(takes_context=True)
def breadcrumbs(context: Context, *pairs: str) -> str:
    """`{% breadcrumbs "Jobs" jobs_url "Run 4" %}`: labels and addresses in turn, the last label is this page."""
    trail = [{"label": pairs[at], "url": pairs[at + 1]} for at in range(0, len(pairs) - 1, 2)]
    return draw(context, "breadcrumbs", trail=trail, here=pairs[-1] if len(pairs) % 2 else "")


@register.simple_tag(takes_context=True)
def pagination(context: Context, page: Page, label: str = "", key: str = "page") -> str:
    """Pages of a list; keeps the other parameters of the address."""
    request = context.get("request")
    query = request.GET.copy() if request is not None else None
    if query is not None:
        query.pop(key, None)
    paginator = page.paginator
    numbered = [
        {"number": n, "gap": not isinstance(n, int), "current": n == page.number}
        for n in paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    ]
    start = f"?{query.urlencode()}&{key}=" if query else f"?{key}="
    return draw(context, "pagination", page=page, start=start, numbered=numbered, label=label)


@register.simple_tag(takes_context=True)
def compare(context: Context, caption: str, columns: Sequence[Any], rows: Sequence[Any]) -> str:
    """Things side by side. Columns: title, url. Rows: label, values (one a column), best (index or None)."""
    return draw(context, "compare", caption=caption, columns=columns, rows=rows)


@register.simple_tag(takes_context=True)
def log(context: Context, lines: Any, label: str = "", id: str = "") -> str:
    """Output of a program, as text or lines."""
    text = lines if isinstance(lines, str) else "\n".join(str(line) for line in lines)
    return draw(context, "log", text=text, label=label, id=id)


@register.simple_tag(takes_context=True)
def copy(context: Context, text: str, label: str = "") -> str:
    """A value to take along, with a copy button where scripts run."""
    return draw(context, "copy", text=text, label=label)


# ---- forms -------------------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def error_summary(context: Context, *forms: BaseForm | None) -> str:
    """Every error of these forms, each leading to its field. Stands above the form; prints nothing without errors."""
    found: list[dict[str, str]] = []
    for form in forms:
        if form is None or not form.is_bound:
            continue
        found += [{"text": str(error), "target": ""} for error in form.non_field_errors()]
        for bound in form:
            target = "" if bound.is_hidden else getattr(bound, "error_target", bound.auto_id)
            for error in bound.errors.as_data():
                words = " ".join(str(message) for message in error.messages)
                text = f"{bound.label} – {words}" if error.code in GENERIC else words
                found.append({"text": text, "target": target})
    return draw(context, "error_summary", errors=found) if found else ""


@register.simple_tag
def field(bound: BoundField, label: str | None = None, hint: str | None = None) -> str:
    """A form's field with label, hint, error and their wiring: `{% field form.name %}`."""
    if label is not None:
        bound.label = label
    if hint is not None:
        bound.help_text = hint
    return bound.as_field_group()


@register.simple_tag(takes_context=True)
def choice(
    context: Context,
    radio: BoundWidget,
    description: str = "",
    facts: Iterable[Sequence[str]] = (),
    tag: str = "",
    tone: str = "",
    off: bool = False,
) -> str:
    """One radio button (from `{% for radio in form.x %}`) as a card. Wrap them in `{% choices %}`."""
    return draw(
        context, "choice", data=radio.data, id=radio.id_for_label, label=radio.choice_label, description=description,
        facts=facts, tag=tag, tone=tone, off=off,
    )  # fmt: skip


@register.simple_block_tag(takes_context=True)
def choices(context: Context, content: str, bound: BoundField, columns: int = 1) -> str:
    """The fieldset around choice cards: legend, hint and error from the field."""
    return draw(context, "choices", field=bound, content=content, columns=columns)


@register.simple_block_tag(takes_context=True)
def estimate(
    context: Context, content: str, title: str, big: str = "", unit: str = "", range: str = "", id: str = "estimate"
) -> str:
    """The panel beside a form: the one number that matters, then `{% section %}` blocks."""
    return draw(context, "estimate", content=content, title=title, big=big, unit=unit, range=range, id=id)


@register.simple_block_tag(takes_context=True)
def section(context: Context, content: str, term: str = "", value: str = "") -> str:
    """A part of an `{% estimate %}` panel; term and value make its first line."""
    return draw(context, "section", content=content, term=term, value=value)
