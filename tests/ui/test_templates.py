"""What no template may hold: inline style or script, colours without contrast, words nobody can translate."""

import re
from pathlib import Path

import pytest

from portal.env import ROOT
from portal.ui import icons

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
IDS = [str(path.relative_to(ROOT / "templates")) for path in TEMPLATES]
# Pages for people who build the portal, in English only.
UNTRANSLATED = {"ui/patterns.html"}

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "an htmx event handler": re.compile(r"hx-on[:=-]", re.IGNORECASE),
    "an address of scripts": re.compile(r"javascript:", re.IGNORECASE),
    "an address with data in it": re.compile(r"(src|href)\s*=\s*[\"']data:", re.IGNORECASE),
    "a file from elsewhere": re.compile(r"<(script|link|img)\b[^>]*(src|href)\s*=\s*[\"'](https?:)?//", re.IGNORECASE),
    "a coloured text utility": re.compile(
        r"\btext-(primary|secondary|success|danger|warning|info|light|dark|muted|white|black-50|white-50|body-tertiary"
        r"|body-secondary)\b"
    ),
    "an outline button without contrast": re.compile(
        r"\bbtn-outline-(primary|success|danger|warning|info|light|dark)\b"
    ),
    "a Bootstrap component that needs its scripts": re.compile(r"data-bs-(toggle|target|dismiss)"),
    "a class whose picture the policy refuses (use op-select, op-check, op-invalid)": re.compile(
        r"\b(form-select|form-check|form-check-input|form-switch|is-invalid|is-valid|btn-close|navbar|accordion|carousel)\b"
    ),
    "a picture of an icon as a sprite": re.compile(r"<use\b"),
}
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
COMMENT = re.compile(r"\{#.*?#\}|\{% comment .*?endcomment %\}", re.DOTALL)
TRANSLATED = re.compile(r"\{%-?\s*blocktrans(?:late)?\b.*?endblocktrans(?:late)?\s*%\}", re.DOTALL)
DJANGO = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
ATTRIBUTE = re.compile(r"\b(?:aria-label|title|alt|placeholder)\s*=\s*([\"'])(.*?)\1", re.DOTALL)
HTML = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
WORD = re.compile(r"[A-Za-zÀ-ž]{2,}")
# Names, signs and units that are the same in every language.
SAME_EVERYWHERE = {
    "nbsp",
    "middot",
    "ndash",
    "amp",
    "times",
    "euro",
    "GPU",
    "GB",
    "TB",
    "kWh",
    "VAT",
    "EUID",
    "SPDX",
    "PaaS",
}
HOST = re.compile(r"\b[\w-]+(\.[\w-]+)+\b")
SAYING_TAGS = re.compile(
    r"\{%\s*(page_head|card|done|empty|waiting|disclose|refusal|quota|row|tag|section|estimate|table|tasks|filters"
    r"|breadcrumbs|log|copy|pagination|steps|stale|thread|compare|sites_map)\b(.*?)%\}",
    re.DOTALL,
)
MUTE_ARGUMENT = re.compile(r"\b(icon|css|id|tone|role|level|key|target)=(\"[^\"]*\"|'[^']*')")
LITERAL = re.compile(r"(?<![(\w])(\"[^\"]*\"|'[^']*')")


def source(path: Path) -> str:
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


def test_the_rules_find_what_they_forbid():
    """The lint is worth something only if it can fail."""
    bad = '<p style="x">{% card "Your jobs" %}Hello{% endcard %}</p><a onclick="x()" class="text-danger" title="Go">'
    assert FORBIDDEN["a style attribute"].search(bad)
    assert FORBIDDEN["an event attribute"].search(bad)
    assert FORBIDDEN["a coloured text utility"].search(bad)
    assert untranslated(bad) == ["Hello", "Go", '"Your jobs"']


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_a_template_holds_nothing_that_the_policy_or_the_contrast_forbids(path):
    text = source(path)
    found = [f"{what}: {match.group(0)[:80]}" for what, rule in FORBIDDEN.items() if (match := rule.search(text))]
    assert not found, found


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_a_script_has_a_source_or_is_plain_data(path):
    for attributes, body in SCRIPT.findall(source(path)):
        assert "src=" in attributes or 'type="application/json"' in attributes, attributes
        assert not ("src=" in attributes and body.strip())


def untranslated(text: str) -> list[str]:
    """Words a reader would see that do not pass through gettext. A heuristic: it errs on the side of asking."""
    text = SCRIPT.sub(" ", text)
    found = []
    bare = TRANSLATED.sub(" ", text)
    visible = HTML.sub("\n", DJANGO.sub(" ", bare))
    for piece in visible.splitlines():
        if set(WORD.findall(HOST.sub(" ", piece))) - SAME_EVERYWHERE:
            found.append(piece.strip())
    for _, value in ATTRIBUTE.findall(bare):
        if set(WORD.findall(DJANGO.sub(" ", value))) - SAME_EVERYWHERE:
            found.append(value)
    for _, arguments in SAYING_TAGS.findall(text):
        said = LITERAL.findall(re.sub(r"_\((\"[^\"]*\"|'[^']*')\)", " ", MUTE_ARGUMENT.sub(" ", arguments)))
        found += [literal for literal in said if re.match(r"[\"'][A-ZÀ-Ž][a-zà-ž]", literal)]
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_every_visible_word_can_be_translated(path):
    if str(path.relative_to(ROOT / "templates")) in UNTRANSLATED:
        return
    assert untranslated(source(path)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_every_icon_named_in_a_template_exists(path):
    for name in re.findall(r"\{% i [\"']([a-z0-9-]+)[\"']|\bicon=[\"']([a-z0-9-]+)[\"']", source(path)):
        icons.paths(name[0] or name[1])
