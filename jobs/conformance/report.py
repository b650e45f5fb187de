"""Results as a table for people, as JSON, and as JUnit for a CI."""

import json
from collections import Counter
from typing import Any
from xml.etree import ElementTree as xml

from jobs.conformance.case import Result, Status

_SIGNS = {Status.PASS: "ok", Status.FAIL: "FAIL", Status.NOT_OFFERED: "-", Status.NOT_REACHED: "??"}


def table(results: list[Result]) -> str:
    width = max((len(result.case.id) for result in results), default=0)
    lines, before = [], ""
    for result in results:
        lines.append(f"{_SIGNS[result.status]:4} {result.case.id:{width}}  {result.case.title} [{result.case.section}]")
        # What kept a whole scenario from being played is said once.
        if result.detail and result.detail != before:
            lines.append(f"{'':{width + 7}}{result.detail}")
        before = result.detail
    return "\n".join([*lines, "", summary(results)])


def summary(results: list[Result]) -> str:
    count = Counter(result.status for result in results)
    words = ", ".join(f"{count[status]} {status}" for status in Status if count[status])
    verdict = "conforms" if all(result.kept for result in results) else "does NOT conform"
    return f"{len(results)} cases: {words}. It {verdict}."


def as_json(results: list[Result], *, subject: str) -> str:
    rows: list[dict[str, Any]] = [
        {
            "id": result.case.id,
            "title": result.case.title,
            "section": result.case.section,
            "feature": result.case.feature or None,
            "scenario": result.scenario,
            "result": result.status.value,
            "detail": result.detail,
            "seconds": result.seconds,
        }
        for result in results
    ]
    conforms = all(result.kept for result in results)
    return json.dumps({"protocol": "1", "subject": subject, "conforms": conforms, "cases": rows}, indent=1)


def as_junit(results: list[Result], *, subject: str) -> str:
    count = Counter(result.status for result in results)
    suite = xml.Element(
        "testsuite", name=f"open-paas-conformance {subject}", tests=str(len(results)),
        failures=str(count[Status.FAIL]), errors=str(count[Status.NOT_REACHED]),
        skipped=str(count[Status.NOT_OFFERED]),
    )  # fmt: skip
    for result in results:
        case = xml.SubElement(
            suite, "testcase", classname=result.scenario, name=f"{result.case.id}: {result.case.title}",
            time=str(result.seconds),
        )  # fmt: skip
        tags = {Status.FAIL: "failure", Status.NOT_REACHED: "error", Status.NOT_OFFERED: "skipped"}
        if result.status in tags:
            words = result.detail or str(result.status)
            # XML knows no control characters, and an agent's words may hold any.
            clean = "".join(sign if sign.isprintable() else " " for sign in words)
            xml.SubElement(case, tags[result.status], message=clean)
    return xml.tostring(suite, encoding="unicode", xml_declaration=True)
