"""The document of the protocol is right by its own rules, complete, and what the portal serves."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from jobs.siteapi import urls
from jobs.siteapi.features import FEATURES
from jobs.siteapi.openapi import document
from tests.jobs.siteapi import wire

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = document()["components"]["schemas"]
# Small words that only occur within other messages, and answers that say nothing but that they are none.
MESSAGES = [name for name, schema in SCHEMAS.items() if schema.get("type") == "object"]


def nodes(value, path=()):
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in items:
        yield from nodes(one, (*path, name))


def test_the_document_is_openapi_3_1():
    """Held against the schema that the OpenAPI Initiative publishes (Apache-2.0), of 2026-08-03."""
    meta = json.loads((ROOT / "tests/vendor/openapi-schema-validator-2.11.0/schema.json").read_text())
    faults = [error.message for error in Draft202012Validator(meta).iter_errors(document())]
    assert faults == []
    assert document()["openapi"].startswith("3.1.")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_schema(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_no_description_was_cut_at_a_comma():
    """In YAML's flow style an unquoted comma ends a text and begins an empty key."""
    assert [
        path for path, node in nodes(document()) if node is None and "enum" not in path and "examples" not in path
    ] == []


def test_every_reference_leads_somewhere():
    for path, node in nodes(document()):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            found = document()
            for step in node["$ref"].removeprefix("#/").split("/"):
                assert step in found, (path, node["$ref"])
                found = found[step]


def test_every_message_has_an_example_and_every_example_is_right():
    bodies = set()
    for path, node in nodes(document()["paths"]):
        if path and path[-1] == "schema" and "content" in path and isinstance(node, dict) and "$ref" in node:
            bodies.add(node["$ref"].rpartition("/")[2])
    for name in sorted(bodies | {"Work", "EnrolRequest", "Problem"}):
        assert SCHEMAS[name].get("examples"), f"{name} has no example"
    for name, schema in SCHEMAS.items():
        for example in schema.get("examples", ()):
            assert wire.faults(f"/components/schemas/{name}", example) == []


def test_the_examples_of_a_sync_show_every_field():
    for name in ("SyncRequest", "SyncAnswer"):
        shown = {field for example in SCHEMAS[name]["examples"] for field in example}
        assert set(SCHEMAS[name]["properties"]) - shown <= {"models"}


def test_every_address_of_the_portal_is_in_the_document_and_none_else():
    mounted = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)) for one in urls.urlpatterns} - {"{rest}"}
    assert {path.removeprefix("/") for path in document()["paths"]} == mounted


def test_every_feature_is_named_in_the_document():
    text = (ROOT / "docs/site-api.yaml").read_text()
    marked = {node["x-feature"] for _path, node in nodes(document()) if isinstance(node, dict) and "x-feature" in node}
    assert marked == set(FEATURES)
    assert all(name in text for name in FEATURES)


def test_every_code_of_a_problem_is_told_in_the_guide():
    """Every code that the site protocol's own rooms can answer with."""
    guide = (ROOT / "docs/site-protocol.md").read_text()
    sources = [*(ROOT / "jobs/siteapi").rglob("*.py")]
    codes = {
        code
        for source in sources
        for code in re.findall(r'(?:DomainError|NotAuthentic)\(\s*"([a-z_0-9]+)"', source.read_text())
    }
    codes |= set(re.findall(r'code="([a-z_0-9]+)"', (ROOT / "jobs/siteapi/http.py").read_text()))
    at_the_portal_only = {"in_the_past", "no_key"}
    assert {code for code in codes - at_the_portal_only if f"`{code}`" not in guide} == set()


@pytest.mark.django_db
def test_anybody_may_read_it(client):
    answer = client.get("/site/v1/openapi.json")
    assert (answer.status_code, answer.json()) == (200, document())


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["nowhere", "sync/", "attempts", "attempts/x", "keys/", "a\x00b"])
def test_an_address_that_does_not_exist_is_refused_by_a_problem_document(client, method, path):
    answer = client.generic(method, f"/site/v1/{path}", b"{}", content_type="application/json")
    assert answer.status_code in (400, 404, 405)
    assert answer["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json())


def test_a_message_that_the_document_does_not_describe_is_found():
    """The reader that every test's messages pass is itself awake."""
    good = SCHEMAS["SyncAnswer"]["examples"][0]
    assert wire.faults("/components/schemas/SyncAnswer", {**good, "secret_field": 1})
    assert wire.faults("/components/schemas/SyncRequest", {"epoch": 1, "usage": [{"id": "1"}]})
    assert wire.operation("PUT", "/site/v1/attempts/ft-1/artefacts/model/a.bin") == (
        "/attempts/{key}/artefacts/{path}",
        "put",
    )
    assert wire.operation("GET", "/site/v1/nowhere") is None
