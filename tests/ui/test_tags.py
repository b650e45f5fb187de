"""The template tags: what they print, and what they escape."""

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory

from portal.ui.samples import PatternForm
from portal.ui.status import Status, describe_states, machines, status_of


def draw(source: str, **values) -> str:
    return Template(source).render(Context(values))


def test_an_icon_is_inline_and_decorative():
    printed = draw('{% i "clock" "icon-lg" %}')
    assert printed.startswith('<svg class="icon icon-lg"')
    assert 'aria-hidden="true"' in printed
    assert "<path" in printed


def test_an_unknown_icon_breaks_no_page_in_production(settings):
    settings.DEBUG = False
    assert draw('{% i "no-such-icon" %}') == ""


@pytest.mark.parametrize(
    "source",
    [
        "{% card evil %}{{ evil }}{% endcard %}",
        "{% banner %}{{ evil }}{% endbanner %}",
        "{% tag evil %}",
        "{% page_head evil lead=evil %}{{ evil }}{% endpage_head %}",
        "{% empty evil text=evil %}{{ evil }}{% endempty %}",
        "{% quota evil icon='cpu' big=evil unit=evil used_text=evil %}{{ evil }}{% endquota %}",
        "{% log evil evil %}",
        "{% copy evil %}",
        "{% breadcrumbs evil evil evil %}",
        "{% summary %}{% row evil %}{{ evil }}{% endrow %}{% endsummary %}",
        "{% html as x %}{{ evil }}{% endhtml %}{{ x }}",
    ],
)
def test_a_component_escapes_what_people_wrote(source):
    printed = draw(source, evil="<script>alert(1)</script>")
    assert "<script>" not in printed
    assert "&lt;script&gt;" in printed


def test_markup_kept_in_a_variable_is_not_escaped_twice():
    assert "<strong>A &amp; B</strong>" in draw(
        "{% html as lead %}<strong>{{ n }}</strong>{% endhtml %}{% page_head n lead=lead %}{% endpage_head %}",
        n="A & B",
    )


def test_a_page_head_without_actions_draws_no_empty_box():
    assert "op-actions" not in draw("{% page_head 'Jobs' %}  {% endpage_head %}")


def test_a_meter_never_overflows():
    printed = draw("{% meter 90 held=30 %}{% meter 150 %}{% meter parts=parts %}", parts=[(1, 80), (2, 80)])
    assert 'x="90.0%" width="10.0%"' in printed
    assert 'width="150' not in printed
    assert 'x="80.0%" width="20.0%"' in printed


def test_a_meter_is_written_in_numbers_a_browser_reads_in_every_language():
    from django.utils import translation

    with translation.override("de"):
        assert 'width="37.2%"' in draw("{% meter 37.2 %}")


def test_a_status_is_a_word_with_an_icon_and_a_tone():
    printed = draw("{% status_tag 'job' 'FAILED' %}")
    assert "op-tag--bad" in printed
    assert "Failed" in printed
    assert "<svg" in printed


def test_an_unknown_state_is_shown_in_its_own_words():
    assert status_of("job", "some_new_state") == Status("Some new state")


def test_every_known_status_has_an_icon_we_have():
    from portal.ui import icons

    for words in machines().values():
        for status in words.values():
            assert icons.paths(status.icon)


def test_an_app_cannot_invent_a_tone():
    with pytest.raises(ValueError, match="tone"):
        describe_states("job", {"ODD": Status("Odd", "pink")})


def test_pagination_keeps_the_rest_of_the_query():
    request = RequestFactory().get("/models/?q=nordic&page=2&task=chat")
    printed = Template("{% pagination page %}").render(
        Context({"request": request, "page": Paginator(range(100), 10).page(2)})
    )
    assert 'href="?q=nordic&amp;task=chat&amp;page=3"' in printed
    assert 'aria-current="page"' in printed


def test_one_page_needs_no_pagination():
    assert draw("{% pagination page %}", page=Paginator(range(3), 10).page(1)) == ""


def test_the_error_summary_leads_to_the_fields_and_names_them():
    form = PatternForm({"hours": "abc"})
    printed = draw("{% error_summary form %}", form=form)
    assert '<a href="#id_hours">GPU-hours – Enter a whole number.</a>' in printed
    assert 'href="#id_personal_0"' in printed


def test_the_error_summary_is_silent_without_errors():
    assert draw("{% error_summary form %}", form=PatternForm()) == ""


def test_a_field_is_wired_to_its_hint_and_error():
    printed = draw("{% field form.hours %}", form=PatternForm({"hours": "abc"}))
    assert 'aria-describedby="id_hours_helptext id_hours_error"' in printed
    assert 'id="id_hours_helptext"' in printed
    assert 'id="id_hours_error"' in printed
    assert 'aria-invalid="true"' in printed
    assert 'class="op-short form-control op-invalid"' in printed


def test_an_optional_field_says_so_unless_the_form_is_a_filter():
    assert "optional" in draw("{% field form.until %}", form=PatternForm())

    class Filter(PatternForm):
        mark_optional = False

    assert "optional" not in draw("{% field form.until %}", form=Filter())


def test_a_choice_that_is_off_cannot_be_chosen():
    printed = str(PatternForm()["method"])
    assert 'value="far"' not in printed
    assert "Not part of your allocation." in printed


def test_the_map_shows_connected_sites_above_the_others():
    sites = [
        {"name": "On", "url": "/a", "connected": True, "latitude": 60, "longitude": 20},
        {"name": "Off", "url": "/b", "connected": False, "latitude": 60, "longitude": 20},
        {"name": "Nowhere", "url": "/c", "connected": False, "latitude": None, "longitude": None},
    ]
    printed = draw("{% sites_map sites %}", sites=sites)
    assert printed.index(">Off<") < printed.index(">On<")
    assert "Nowhere" not in printed
