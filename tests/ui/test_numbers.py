"""Numbers as people read them, in their language."""

from decimal import Decimal

import pytest
from django.utils import translation

from portal.ui import numbers

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (40, "40 s"),
        (59.6, "1 min"),
        (720, "12 min"),
        (3600, "1 h"),
        (5100, "1 h 25 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
        (None, "–"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds, said):
    assert numbers.duration(seconds) == said


def test_gpu_seconds_are_said_as_hours():
    assert numbers.hours(20_880) == "5.8"
    assert numbers.gpu_hours(20_880) == "5.8 GPU-hours"
    assert numbers.gpu_hours(3600, 0) == "1 GPU-hour"


def test_money_follows_the_order_of_the_language():
    assert numbers.money(Decimal("1234.5")) == "€1,234.50"
    assert numbers.money(Decimal("-3")) == "−€3.00"
    with translation.override("de"):
        assert numbers.money(Decimal("1234.5")) == f"1.234,50{NBSP}€"
    with translation.override("nl"):
        assert numbers.money(Decimal("1234.5")) == f"€{NBSP}1.234,50"


def test_money_is_rounded_half_to_even():
    assert numbers.money(Decimal("0.125")) == "€0.12"
    assert numbers.money(Decimal("0.135")) == "€0.14"


def test_a_tiny_negative_does_not_become_minus_zero():
    assert numbers.number(-0.001, 1) == "0.0"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_800_000_000, f"1.8{NBSP}GB"),
        (512_000_000, f"512{NBSP}MB"),
        (1500, f"1.5{NBSP}kB"),
    ],
)
def test_a_size_is_said_in_decimal_units(value, said):
    assert numbers.size(value) == said


def test_a_share_is_said_as_a_percentage():
    assert numbers.percent(0.914) == "91%"
    assert numbers.percent(0.914, 1) == "91.4%"


@pytest.mark.parametrize("value", [None, "", "many", float("nan"), float("inf")])
def test_what_is_not_known_is_a_dash(value):
    says = (
        numbers.number,
        numbers.money,
        numbers.hours,
        numbers.gpu_hours,
        numbers.duration,
        numbers.size,
        numbers.percent,
    )
    assert {say(value) for say in says} == {"–"}
