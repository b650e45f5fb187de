"""Cases, verdicts and rows of law as JSON values, there and back: what is stored, exported and entered by hand.

Decimals are strings, days ISO dates, sets sorted lists. Reading is led by the types of the data classes and says where
a value cannot be right (`Unreadable.path`), so that a row of law typed by a person fails with a sentence, not a crash.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from accounts.state_aid.case import Case, Law, Policy, Verdict

SWITCHES = tuple(one.name for one in fields(Policy) if one.type in (bool, "bool"))


class Unreadable(ValueError):
    """A stored or typed value is none of what belongs there. `path` names the place, "" the whole."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path, self.problem = path, problem


def plain(value: Any) -> Any:
    """Any value of the data classes as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in _fields(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(one) for one in value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def case_to_json(case: Case, on: date, rule_version: str) -> dict[str, Any]:
    """The case, its day and the version of the rules that judge it."""
    return {"rule_version": rule_version, "on": on.isoformat(), "case": plain(case)}


def case_from_json(stored: Mapping[str, Any]) -> tuple[Case, date]:
    """The inverse of `case_to_json`."""
    if not isinstance(stored, Mapping) or "case" not in stored:
        raise Unreadable("case", "is missing")
    return _read(Case, stored["case"], "case"), _read(date, stored.get("on"), "on")


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    stored: dict[str, Any] = plain(verdict)
    return stored


def verdict_from_json(stored: Mapping[str, Any]) -> Verdict:
    """The inverse of `verdict_to_json`, for pages that show a stored verdict."""
    verdict: Verdict = _read(Verdict, stored, "")
    return verdict


def law_to_json(law: Law) -> dict[str, Any]:
    stored: dict[str, Any] = plain(law)
    return stored


def law_from_json(stored: Mapping[str, Any]) -> Law:
    """A row of law as an administrator enters it. Raises Unreadable naming what is missing or cannot be right."""
    law: Law = _read(Law, stored, "")
    if not law.code or not law.version or not law.source:
        empty = "code" if not law.code else "version" if not law.version else "source"
        raise Unreadable(empty, "must not be empty")
    if law.valid_to < law.valid_from:
        raise Unreadable("valid_to", "lies before valid_from")
    if law.adjustment_until < law.valid_to:
        raise Unreadable("adjustment_until", "lies before valid_to")
    for number, limit in enumerate(law.limits):
        if limit.ceiling_eur < 0:
            raise Unreadable(f"limits[{number}].ceiling_eur", "must not be negative")
        if not limit.pool:
            raise Unreadable(f"limits[{number}].pool", "names no code whose aid uses it up")
        if limit.only_if and limit.only_if.removeprefix("not ") not in SWITCHES:
            raise Unreadable(f"limits[{number}].only_if", "must be one of " + ", ".join(SWITCHES))
    return law


def laws_from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[Law, ...]:
    return tuple(law_from_json(one) for one in stored)


@cache
def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any, path: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        inner = [one for one in get_args(kind) if one is not type(None)]
        return None if value is None else _read(inner[0], value, path)
    if value is None:
        raise Unreadable(path, "is missing")
    if is_dataclass(kind):
        return _read_row(kind, value, path)
    if origin in (tuple, frozenset):
        return _read_list(kind, value, path)
    if origin is not None:
        if not isinstance(value, Mapping):
            raise Unreadable(path, "must be an object with names and values")
        return {key: _read(get_args(kind)[1], one, f"{path}.{key}") for key, one in value.items()}
    return _read_one(kind, value, path)


def _read_row(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise Unreadable(path, "must be an object with names and values")
    known = {one.name: one for one in _fields(kind)}
    prefix = f"{path}." if path else ""
    for key in value:
        if key not in known:
            raise Unreadable(f"{prefix}{key}", "is not known; known are " + ", ".join(known))
    found = {}
    for name, one in known.items():
        if name in value:
            found[name] = _read(_hints(kind)[name], value[name], f"{prefix}{name}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise Unreadable(f"{prefix}{name}", "is missing")
    try:
        return kind(**found)
    except ValueError as error:
        raise Unreadable(path, str(error)) from error


def _read_list(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, list | tuple):
        raise Unreadable(path, "must be a list")
    inner = get_args(kind)
    if get_origin(kind) is tuple and inner[-1] is not Ellipsis:
        if len(value) != len(inner):
            raise Unreadable(path, f"must hold {len(inner)} values")
        return tuple(_read(one, each, f"{path}[{i}]") for i, (one, each) in enumerate(zip(inner, value, strict=True)))
    return get_origin(kind)(_read(inner[0], one, f"{path}[{i}]") for i, one in enumerate(value))


def _read_one(kind: Any, value: Any, path: str) -> Any:
    if kind is Decimal:
        try:
            number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite():
            raise Unreadable(path, 'must be a number in quotes, such as "300000.00"')
        return number
    if kind is date:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise Unreadable(path, "must be a day such as 2026-11-21") from error
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        try:
            return kind(value)
        except ValueError as error:
            raise Unreadable(path, "must be one of " + ", ".join(kind)) from error
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Unreadable(path, f"must be {_WORDS.get(kind, 'something else')}")
    return value


_WORDS = {str: "text", int: "a whole number", bool: "true or false"}
