"""The colours are readable in both themes: 4.5 to 1 for text, 3 to 1 for controls, marks and focus (WCAG 2.2 AA)."""

import re

import pytest

from portal.env import ROOT

CSS = (ROOT / "static" / "css" / "portal.css").read_text(encoding="utf-8")


def tokens(selector: str) -> dict[str, str]:
    block = re.search(re.escape(selector) + r"\{(.*?)\}", CSS, re.DOTALL)
    assert block, selector
    return dict(re.findall(r"--op-([\w-]+):(#[0-9a-fA-F]{3,6})\b", block.group(1)))


LIGHT = tokens(":root,[data-bs-theme=light]")
THEMES = {"light": LIGHT, "dark": {**LIGHT, **tokens("[data-bs-theme=dark]")}}

SURFACES = ("bg", "surface", "surface-2", "sunken")
TEXT = [(ink, ground) for ink in ("ink", "ink-2", "brand-ink") for ground in (*SURFACES, "brand-soft")]
TEXT += [("ink-3", ground) for ground in ("bg", "surface", "surface-2")]
TEXT += [(tone, f"{tone}-soft") for tone in ("ok", "warn", "bad", "idle")]
TEXT += [(tone, ground) for tone in ("ok", "warn", "bad") for ground in ("bg", "surface")]
TEXT += [("ink", f"{tone}-soft") for tone in ("ok", "warn", "bad")]
CONTROLS = [(line, ground) for line in ("line-strong", "brand", "bad", "ring") for ground in ("bg", "surface")]
CONTROLS += [(mark, ground) for mark in ("c1", "c3", "c4") for ground in ("surface",)]
CONTROLS += [("ok", "ok-soft"), ("line-strong", "sunken")]


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_the_measure_itself_is_right():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_is_readable(theme, ink, ground):
    assert contrast(THEMES[theme][ink], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("mark", "ground"), CONTROLS)
def test_controls_and_marks_can_be_seen(theme, mark, ground):
    assert contrast(THEMES[theme][mark], THEMES[theme][ground]) >= 3


@pytest.mark.parametrize(("theme", "words"), [("light", "#ffffff"), ("dark", "#0c1322")])
def test_words_on_the_main_button_are_readable(theme, words):
    assert contrast(words, THEMES[theme]["brand"]) >= 4.5
    assert contrast(words, THEMES[theme]["brand-hover"]) >= 4.5


def test_the_stylesheets_embed_no_images():
    """A data: address would be refused by the content security policy."""
    for path in (ROOT / "static" / "css").glob("*.css"):
        assert "url(data:" not in path.read_text(encoding="utf-8"), path.name
