"""The description of the service: an OpenAPI 3.1 document, made of the types of the answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from domcaps._version import __version__
from domcaps.fleet.compare import Differs, HostClass, ManifestChange
from domcaps.fleet.features import HostFeatures
from domcaps.fleet.fleet import Accepts
from domcaps.fleet.opening import Opening
from domcaps.fleet.rehearse import Rehearsed
from domcaps.fleet.store import UnreadHost
from domcaps.fleet.where import Where


class Endpoint(NamedTuple):
    """A path with the question that it asks; `parameters` are names with their description."""

    path: str
    name: str
    summary: str
    result: Any = None
    parameters: tuple[tuple[str, str], ...] = ()
    has_domain: bool = False
    is_list: bool = True


_LIBVIRT = ("libvirt", "Release of libvirt, distribution, or auto.")
_NAME = ("name", "What the answer calls the domain.")
ENDPOINTS = (
    Endpoint("/v1/hosts", "hosts", "The hosts of the store."),
    Endpoint("/v1/classes", "classes", "Hosts that give the same answers.", HostClass),
    Endpoint("/v1/drift", "drift", "Facts in which a host differs from most others.", Differs),
    Endpoint("/v1/features", "features", "What hosts give guests.", HostFeatures,
             (("host", "Only this host."), _LIBVIRT)),
    Endpoint("/v1/hosts/{host}/history", "history", "When a host changed, and in what.",
             ManifestChange, (("choice", "A value, such as video.modelType=qxl."),)),
    Endpoint("/v1/accepts", "accepts", "Which hosts accept a domain, and why others do not.",
             None, (_LIBVIRT, _NAME, ("least", "true: find the smallest change.")),
             has_domain=True),
    Endpoint("/v1/verdicts", "verdicts", "The findings of each host on a domain.",
             None, (_LIBVIRT, _NAME), has_domain=True),
    Endpoint("/v1/where", "where", "Where a running domain can go.", Where,
             (("from", "Host on which it runs."), _LIBVIRT, _NAME), has_domain=True, is_list=False),
    Endpoint("/v1/rehearse", "rehearse", "What would fail after an upgrade.", Rehearsed,
             (("with", "A recording that comes with domcaps."), ("then", "libvirt to test."),
              _LIBVIRT, _NAME), has_domain=True),
)  # fmt: skip
"""The questions, by their paths."""

_PLAIN = (
    ("/health", "Whether the service runs.", "application/json", False),
    ("/metrics", "Metrics for Prometheus.", "text/plain", True),
    ("/", "The page of the fleet.", "text/html", True),
    ("/openapi.json", "This document.", "application/json", False),
)
_ERRORS = {"400": "A parameter is wrong.", "401": "A token is missing.", "404": "No such path.",
           "405": "No such method.", "413": "The domain is too large.",
           "422": "The question has no answer.", "503": "Too many questions wait.",
           "504": "The answer takes too long."}  # fmt: skip
_REFERENCE = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """Give the OpenAPI document."""
    types = [HostClass, Differs, ManifestChange, HostFeatures, Accepts, Opening, Rehearsed, Where,
             UnreadHost]  # fmt: skip
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "domcaps fleet",
            "version": __version__,
            "summary": "Which hosts accept a domain, why not, and what breaks tomorrow.",
        },
        "paths": {**{one.path: _path(one) for one in ENDPOINTS}, **_plain_paths()},
        "components": {
            "schemas": {**schemas, "Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"bearer": []}, {"basic": []}, {}],
    }


_ERROR = {
    "type": "object",
    "required": ["version", "error"],
    "properties": {
        "version": {"const": 1},
        "error": {
            "type": "object",
            "required": ["message"],
            "properties": {"message": {"type": "string"}, "remedy": {"type": "string"}},
        },
    },
}


def _path(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [_parameter(*one) for one in endpoint.parameters],
        "responses": {"200": _answer(endpoint), **_failures()},
    }
    if "{host}" in endpoint.path:
        operation["parameters"].append(
            {"name": "host", "in": "path", "required": True, "schema": {"type": "string"}}
        )
    if endpoint.has_domain:
        operation["requestBody"] = {
            "required": True,
            "description": "The XML of a domain.",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    return {"post" if endpoint.has_domain else "get": operation}


def _parameter(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "object"}
    if endpoint.result is not None:
        one = {"$ref": _REFERENCE.format(name=endpoint.result.__name__)}
    elif endpoint.name == "accepts":
        one = {
            "type": "object",
            "properties": {
                "answer": {"$ref": _REFERENCE.format(name="Accepts")},
                "changes": {"type": "array", "items": {"$ref": _REFERENCE.format(name="Opening")}},
            },
        }
    unread = {"type": "array", "items": {"$ref": _REFERENCE.format(name="UnreadHost")}}
    schema = {
        "type": "object",
        "required": ["version", "results"],
        "properties": {
            "version": {"const": 1},
            "results": {"type": "array", "items": one} if endpoint.is_list else one,
            "unread": unread,
        },
    }
    return {"description": endpoint.summary, "content": {"application/json": {"schema": schema}}}


def _failures() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REFERENCE.format(name="Error")}}}
    return {code: {"description": text, "content": content} for code, text in _ERRORS.items()}


def _plain_paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, summary, kind, is_guarded in _PLAIN:
        operation: dict[str, Any] = {
            "operationId": path.strip("/").partition(".")[0] or "page",
            "summary": summary,
            "responses": {"200": {"description": summary, "content": {kind: {}}}},
        }
        if not is_guarded:
            operation["security"] = [{}]
        found[path] = {"get": operation}
    return found
