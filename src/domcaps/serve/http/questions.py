"""The questions of the HTTP service: the answers of ``domcaps fleet … --format json``.

Everything here runs in the worker, a process that has the fleet in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from domcaps._version import DEFAULT_DIALECT
from domcaps.errors import DomcapsError, RequestError
from domcaps.fleet.answers_json import verdict_json
from domcaps.fleet.compare import classes, drift, history
from domcaps.fleet.export.prometheus import exposition, metrics_of
from domcaps.fleet.features import features_by_class
from domcaps.fleet.opening import opening_changes
from domcaps.fleet.overview import overview
from domcaps.fleet.rehearse import rehearse
from domcaps.fleet.where import where
from domcaps.language.dialect import check_dialect
from domcaps.page.html import to_html
from domcaps.serve.http.limits import HttpLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domcaps.facts.record import Recording
    from domcaps.fleet.fleet import Fleet


class HttpQuestion(msgspec.Struct, frozen=True):
    """A question: its name, its parameters in order, and a domain where it is about one."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    domain: bytes = b""

    def get(self, name: str, default: str = "") -> str:
        """Give a parameter."""
        return dict(self.parameters).get(name, default)


class HttpAnswer(NamedTuple):
    """A status, the type of the content, and the content."""

    status: int
    kind: str
    data: bytes


_RELEASES = ("libvirt", "then")
"""Parameters that name a release of libvirt."""

JSON, TEXT, HTML = "application/json", "text/plain; version=0.0.4", "text/html; charset=utf-8"


class Fleets:
    """The fleet of a store, opened again when the store changes; and the domains of its page."""

    def __init__(
        self, opened: Callable[[], Fleet], domains: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        self._opened = opened
        self._domains = domains
        self._latest: dict[str, str] | None = None
        self.fleet = opened()

    def refresh(self) -> bool:
        """Look whether hosts were added or changed; True if the fleet is another one now."""
        latest = self.fleet.store.latest()
        if latest == self._latest:
            return False
        # in this order: a store that can't be opened now is opened at the next look
        self.fleet = self._opened()
        self._latest = latest
        return True

    def answer(self, question: HttpQuestion) -> HttpAnswer:
        """Answer a question; every error of domcaps is an answer with its status."""
        try:
            for name in _RELEASES:
                check_dialect(question.get(name, DEFAULT_DIALECT))
            if question.name == "page":
                text = to_html(overview(self.fleet, self._domains))
                return HttpAnswer(200, HTML, text.encode())
            if question.name == "metrics":
                found = metrics_of(self.fleet, features_by_class(self.fleet))
                return HttpAnswer(200, TEXT, exposition(found).encode())
            content = _ANSWERS[question.name](self.fleet, question)
        except RequestError as error:
            return failed(400, error.message, error.remedy)
        except DomcapsError as error:
            return failed(422, str(error), error.remedy)
        unread = self.fleet.unread if question.name not in _OF_ONE_HOST else ()
        document = {"version": 1, "results": content} | ({"unread": unread} if unread else {})
        return HttpAnswer(200, JSON, msgspec.json.encode(document))


_LIMITS = HttpLimits()
_REMEDIES = {
    401: "send the header 'Authorization: Bearer TOKEN'",
    403: "ask by 'localhost' or the address of --http, and not from another website",
    404: "GET /openapi.json lists the paths",
    408: f"send the domain within {_LIMITS.receive_seconds:g} seconds",
    413: f"send a domain of at most {_LIMITS.domain >> 20} MiB",
    500: "look into the log of the service",
    503: "ask again after the seconds in the header Retry-After",
    504: "ask about a smaller domain, or one host",
}
_ANY_REMEDY = "GET /openapi.json describes what can be asked"


def failed(status: int, message: str, remedy: str = "") -> HttpAnswer:
    """Give an error as JSON."""
    error = {"message": message, "remedy": remedy or _REMEDIES.get(status, _ANY_REMEDY)}
    return HttpAnswer(status, JSON, msgspec.json.encode({"version": 1, "error": error}))


def _libvirt(question: HttpQuestion) -> str:
    return question.get("libvirt", DEFAULT_DIALECT)


def _name(question: HttpQuestion) -> str:
    return question.get("name", "domain")


def _hosts(fleet: Fleet, _: HttpQuestion) -> Any:
    return [
        {"host": one.host, "class": digest[:16], "recorded": one.made_at}
        for one, digest in zip(fleet.hosts.manifests, fleet.hosts.digests, strict=True)
    ]


def _features(fleet: Fleet, question: HttpQuestion) -> Any:
    name = question.get("host")
    if name:
        fleet.manifests([name])
    elif dict(question.parameters).get("host") is not None:
        raise RequestError("the parameter 'host' is empty", remedy="GET /v1/hosts lists the hosts")
    return list(features_by_class(fleet, _libvirt(question), [name] if name else None))


def _history(fleet: Fleet, question: HttpQuestion) -> Any:
    return history(fleet, question.get("host"), question.get("choice"))


def _accepts(fleet: Fleet, question: HttpQuestion) -> Any:
    libvirt, data = _libvirt(question), question.domain
    found = fleet.accepts(data, libvirt, name=_name(question))
    least = question.get("least", "false")
    if least not in {"true", "false"}:
        raise RequestError("the parameter 'least' is 'true' or 'false'")
    changes = opening_changes(fleet, found, data, libvirt) if least == "true" else []
    return [{"answer": found, "changes": changes}]


def _verdicts(fleet: Fleet, question: HttpQuestion) -> Any:
    domains = [(_name(question), question.domain)]
    return [verdict_json(one) for one in fleet.verdicts(domains, _libvirt(question))]


def _where(fleet: Fleet, question: HttpQuestion) -> Any:
    source = question.get("from")
    if not source:
        raise RequestError("the parameter 'from' is missing: the host on which the domain runs")
    return where(fleet, question.domain, source, _libvirt(question), name=_name(question))


def _rehearse(fleet: Fleet, question: HttpQuestion) -> Any:
    then, shipped = question.get("then"), question.get("with")
    if not then and not shipped:
        raise RequestError("say what is to change: 'with' or 'then'")
    domains = [(_name(question), question.domain)]
    return list(
        rehearse(fleet, domains, recording=_shipped(shipped), libvirt=_libvirt(question), then=then)
    )


def _shipped(name: str) -> Recording | None:
    """Give a recording that comes with domcaps; a client names no file."""
    from domcaps.facts.shipped import load_shipped

    return load_shipped(name.removeprefix("shipped:")) if name else None


_ANSWERS: dict[str, Callable[[Fleet, HttpQuestion], Any]] = {
    "hosts": _hosts,
    "classes": lambda fleet, _: classes(fleet),
    "drift": lambda fleet, _: list(drift(fleet)),
    "features": _features,
    "history": _history,
    "accepts": _accepts,
    "verdicts": _verdicts,
    "where": _where,
    "rehearse": _rehearse,
}
_OF_ONE_HOST = frozenset({"history"})
