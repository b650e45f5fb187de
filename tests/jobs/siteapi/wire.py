"""Every message of the site protocol that a test sends or gets, held against docs/site-api.yaml.

Put in front of all other middleware by tests/conftest.py, so that agents in processes of their own are heard as well.
Stricter than the document: a field it does not name is a fault, since it would go undocumented.
"""

import base64
import json
import re
from functools import cache
from io import BytesIO

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from jobs.siteapi.openapi import document

URN = "urn:site-api"
FAULTS: list[str] = []
_READ_AT_MOST = 5 * 1024 * 1024


def closed(schema):
    """The same schema, in which objects hold the named fields only, unless it says that others may come."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: value if name == "examples" else closed(value) for name, value in schema.items()}
    if isinstance(shut.get("properties"), dict) and "type" in shut:
        shut.setdefault("additionalProperties", False)
    return shut


@cache
def registry():
    resource = Resource(contents=closed(document()), specification=DRAFT202012)
    return Registry().with_resource(URN, resource)


@cache
def validator(pointer):
    """Of the schema at that place of the document, for instance `/components/schemas/Work`."""
    return Draft202012Validator({"$ref": f"{URN}#{pointer}"}, registry=registry())


def faults(pointer, value):
    found = sorted(validator(pointer).iter_errors(value), key=lambda error: list(error.absolute_path))
    return [f"{pointer}: {'.'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in found]


@cache
def operations():
    """(pattern, method, path of the operation in the document), the more exact address first."""
    found = []
    for path, item in document()["paths"].items():
        pattern = re.escape(f"/site/v1{path}").replace(r"\{path\}", ".+")
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
        found += [(re.compile(pattern), method.upper(), path) for method in item]
    return found


def operation(method, path):
    for pattern, known, name in operations():
        if known == method and pattern.fullmatch(path):
            return name, method.lower()
    return None


def _pointer(*parts):
    return "/" + "/".join(
        part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D") for part in parts
    )


def _schema_of(path, method, *rest):
    """The pointer to a JSON body's schema, through one $ref; None where there is none."""
    node, where = document()["paths"][path][method], ["paths", path, method]
    for part in rest:
        if part not in node:
            return None
        node = node[part]
        where.append(part)
        if "$ref" in node:
            where = node["$ref"].removeprefix("#/").split("/")
            node = document()
            for step in where:
                node = node[step]
    for kind in ("application/json", "application/problem+json"):
        if kind in node.get("content", {}):
            return _pointer(*where, "content", kind, "schema")
    return None


def check(method, path, request_body, response):
    """Adds to FAULTS what the document does not say of this exchange."""
    known = operation(method, path)
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    where = f"{method} {path} -> {response.status_code}"
    if response.status_code >= 400:
        if kind != "application/problem+json":
            FAULTS.append(f"{where}: a refusal that is no problem document ({kind})")
        else:
            answer = json.loads(response.content)
            FAULTS.extend(f"{where}: {one}" for one in faults("/components/schemas/Problem", answer))
        return
    if known is None:
        FAULTS.append(f"{where}: the document does not know this address")
        return
    if str(response.status_code) not in document()["paths"][known[0]][known[1]]["responses"]:
        FAULTS.append(f"{where}: the document does not know this status")
        return
    answer = None if response.streaming else json.loads(response.content)
    schema = _schema_of(*known, "responses", str(response.status_code))
    if schema is not None and answer is not None:
        FAULTS.extend(f"{where}: {one}" for one in faults(schema, answer))
        for work in answer.get("work", ()):
            payload = json.loads(base64.b64decode(work["payload"]))
            FAULTS.extend(f"{where}: {one}" for one in faults("/components/schemas/Work", payload))
    _check_request(known, where, request_body, answer)


def _check_request(known, where, body, answer):
    """Requests that were taken in full; what a test sends to be refused may look as it likes."""
    schema = _schema_of(*known, "requestBody")
    if schema is None or body is None or (isinstance(answer, dict) and answer.get("refused")):
        return
    try:
        message = json.loads(body)
    except ValueError:
        return
    FAULTS.extend(f"{where}: sent {one}" for one in faults(schema, message))


class Checked:
    """Middleware; what it finds is asserted after each test by a fixture in tests/conftest.py."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.path_info.startswith("/site/v1/"):
            return self.get_response(request)
        body = self._body(request)
        response = self.get_response(request)
        check(request.method, request.path_info, body, response)
        return response

    @staticmethod
    def _body(request):
        """The body, put back so that the view reads it by its own rules; None where it is not to be had."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > _READ_AT_MOST:
            return None
        try:
            body = request.read(int(length))
        except OSError:
            return None
        request._stream, request._read_started = BytesIO(body), False
        return body
