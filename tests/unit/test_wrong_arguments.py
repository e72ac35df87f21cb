"""Every public function and method refuses arguments of a wrong type, name or number alike."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import domcaps
from domcaps.facts.emulators import RecordedEmulators
from domcaps.fleet import ask
from domcaps.fleet.fleet import Fleet
from domcaps.hosts.live import LiveEmulators
from plain_hosts import open_plain

FOR_DOMCAPS_ITSELF = {
    "world_of", "known_world", "answer", "talk", "vouch", "for_clients", "shown_lies_of", "ready",
    "entry", "few_facts", "manifests", "deciding_host", "host_of", "engine", "take", "judged",
}  # fmt: skip
"""Methods that docs/api.md does not have: their callers are in domcaps."""
untyped: Any = domcaps
OWNERS = (
    domcaps.LiveHost, domcaps.DomainCapabilities, domcaps.Repair, domcaps.Chosen, Fleet,
    RecordedEmulators, LiveEmulators,
)  # fmt: skip
SAMPLES: dict[str, Any] = {
    "None": None, "int": 5, "float": 2.5, "bool": True, "bytes": b"x", "str": "x",
    "Path": Path("x"), "object": object(), "list of str": ["x"], "list of int": [5],
    "dict of str": {"a": "b"}, "dict of int": {"a": 5}, "function": print,
    "list of pairs": [("a", b"b")], "file name": "guest.xml", "path": "domains/guest",
}  # fmt: skip
TEXTS = {"str", "file name", "path"}
DOCUMENTS = {"str", "bytes"}
FITTING: dict[str, set[str]] = {
    "str": TEXTS,
    "str | None": {*TEXTS, "None"},
    "str | bytes": DOCUMENTS,
    "str | bytes | None": {*DOCUMENTS, "None"},
    "str | int | None": {*TEXTS, "int", "None"},
    "str | Path": {*TEXTS, "Path"},
    "Path | str | None": {*TEXTS, "Path", "None"},
    "bool | Path": {"bool", "Path"},
    "bytes": {"bytes"},
    "bool": {"bool"},
    "int": {"int"},
    "int | None": {"int", "None"},
    "float": {"int", "float"},
    "Iterable[str]": {"list of str"},
    "Iterable[str] | None": {"list of str", "None"},
    "Iterable[str] | Mapping[str, str]": {"list of str", "dict of str"},
    "Collection[str]": {"list of str"},
    "Mapping[str, str]": {"dict of str"},
    "Iterable[Host]": set(),
    "Iterable[Validation]": set(),
    "Iterable[tuple[str, bytes]]": {"list of pairs"},
    "Sequence[Mapping[str, str | None]]": set(),
    "Literal['q35', 'pc'] | None": {"None"},
    "GuestUse | None": {*TEXTS, "None"},
    "GraphicsType | None": {*TEXTS, "None"},
    "Callable[[int, int], None] | None": {"function", "None"},
    "Callable[[DomainAnswer], None] | None": {"function", "None"},
    "Host": set(),
    "Recording": set(),
    "Recording | str | Path": {*TEXTS, "Path"},
    "Flags": set(),
    "Executor | None": {"None"},
    "UnitCounts | None": {"None"},
    "FleetStore | Path | str": {*TEXTS, "Path"},
}
"""The samples that fit an annotation: a new annotation has to be thought about here."""


class Public(NamedTuple):
    """A function, its own arguments (an object without content), and its parameters."""

    name: str
    function: Any
    own: tuple[Any, ...]
    parameters: dict[str, str]
    required: tuple[str, ...]


def public() -> list[Public]:
    found = [
        described(name, getattr(domcaps, name), ())
        for name in domcaps.__all__
        if inspect.isfunction(getattr(domcaps, name))
    ]
    found.append(described("fleet.ask", ask.ask, ()))
    for kind in OWNERS:
        for name, static in inspect.getmembers_static(kind):
            if name.startswith("_") or name in FOR_DOMCAPS_ITSELF:
                continue
            if inspect.isfunction(static):
                own = (object.__new__(kind),)
                found.append(described(f"{kind.__name__}.{name}", static, own))
            elif isinstance(static, staticmethod | classmethod):
                found.append(described(f"{kind.__name__}.{name}", getattr(kind, name), ()))
    return found


def described(name: str, function: Any, own: tuple[Any, ...]) -> Public:
    parameters: dict[str, str] = {}
    required = []
    for one in inspect.signature(function).parameters.values():
        if one.name in {"self", "cls"}:
            continue
        if one.kind is one.VAR_KEYWORD:
            options = getattr(domcaps, re.fullmatch(r"Unpack\[(\w+)\]", one.annotation)[1])  # type: ignore[index]
            parameters |= {n: a.__forward_arg__ for n, a in options.__annotations__.items()}
            continue
        parameters[one.name] = one.annotation
        if one.default is one.empty:
            required.append(one.name)
    return Public(name, function, own, parameters, tuple(required))


def fitting(annotation: str) -> Any:
    """Give an argument that fits: these calls end before it is used."""
    if annotation in {"Host", "Iterable[Host]"}:
        host = object.__new__(domcaps.Host)
        return host if annotation == "Host" else [host]
    if annotation == "Iterable[Validation]":
        return []
    if annotation == "Recording":
        return domcaps.Recording(host=domcaps.HostRecord(arch="x86_64"))
    if annotation == "Sequence[Mapping[str, str | None]]":
        return [{"arch": None}]
    return SAMPLES[min(FITTING[annotation] - {"file name", "path"})]


CALLS = public()
WRONG = [
    (one, name, sample)
    for one in CALLS
    for name, annotation in one.parameters.items()
    for sample in SAMPLES
    if sample not in FITTING[annotation]
]


def test_all_of_them_are_here() -> None:
    names = {one.name for one in CALLS}
    assert {"compare", "baseline", "choose_for", "LiveHost.validate", "Fleet.accepts"} <= names
    assert len(names) > 35
    assert len(WRONG) > 1000


@pytest.mark.parametrize("one", CALLS, ids=lambda one: one.name)
def test_a_wrong_type(one: Public) -> None:
    for name, sample in [(name, sample) for other, name, sample in WRONG if other is one]:
        given = {other: fitting(one.parameters[other]) for other in one.required}
        with pytest.raises(domcaps.WrongTypeError) as caught:
            one.function(*one.own, **(given | {name: SAMPLES[sample]}))
        assert isinstance(caught.value, TypeError | domcaps.DomcapsError), (name, sample)
        # a document is called by what it is
        assert re.search(rf"\b{name}\b|a domain", caught.value.message), (name, sample)
        assert "must be" in caught.value.message


@pytest.mark.parametrize("one", CALLS, ids=lambda one: one.name)
def test_a_wrong_name_and_number(one: Public) -> None:
    given = {name: fitting(one.parameters[name]) for name in one.required}
    with pytest.raises(domcaps.WrongTypeError, match="no option 'nonsense'"):
        one.function(*one.own, **given, nonsense=1)
    with pytest.raises(domcaps.WrongTypeError, match=r"takes at most \d+ arguments"):
        one.function(*one.own, *range(30))
    for name in one.required:
        rest = {other: value for other, value in given.items() if other != name}
        with pytest.raises(domcaps.WrongTypeError, match=rf"needs {name}$"):
            one.function(*one.own, **rest)


@pytest.mark.parametrize("one", CALLS, ids=lambda one: one.name)
def test_a_misspelt_name(one: Public) -> None:
    given = {name: fitting(one.parameters[name]) for name in one.required}
    for name in (name for name in one.parameters if len(name) > 4):
        slip = name[:2] + name[3:]
        with pytest.raises(domcaps.WrongTypeError, match=f"did you mean '{name}'"):
            one.function(*one.own, **given, **{slip: 1})


@pytest.fixture(scope="module")
def host() -> Any:
    return open_plain("debian13-x86_64")


class TestRemedies:
    """What the message says to write instead."""

    @pytest.mark.parametrize(
        ("call", "told"),
        [
            (lambda host: host.domain_capabilities(libvirt=9.0), "(write '9.0')"),
            (lambda host: host.domain_capabilities(Path("/usr/bin/q")), "(write '/usr/bin/q')"),
            (lambda host: host.choose("w", disks=[Path("/a")]), "disks[0] must be a str"),
            (lambda host: host.choose("w", settings={"video.modelType": 1}), "settings['video.mod"),
            (lambda host: host.choose("w", vcpus="4"), "(write 4)"),
            (lambda host: host.choose("w", 2**31, 2, arch=None, os=5), "os must be a str or None"),
            (lambda host: host.validate("<domain/>", ignore="disk"), "(write ignore=['disk'])"),
            (lambda host: host.validate("<domain/>", new="no"), "True or False"),
            (lambda host: host.validate("<domain/>", "9.0", True), "(name them)"),
            (lambda host: host.validate("<domain/>", xml="<domain/>"), "two values for xml"),
            (lambda host: host.validate("domains/guest"), "read the file"),
            (lambda host: host.validate("GUEST.XML"), "read the file"),
            (lambda host: host.convert("<domain/>", to="i440fx"), "'q35' or 'pc' or None"),
            (lambda _: untyped.Host.from_recording("a.domcaps"), "Host.open('…')"),
            (lambda host: untyped.baseline([host, "b"]), "hosts[1] must be a Host"),
            (lambda _: untyped.baseline(one for one in "b"), "hosts[0] must be a Host"),
            (lambda _: untyped.baseline(one for one in "b"), "Host.open('…')"),
            (lambda host: host.audit(5), "a report must be a str or bytes"),
            (lambda host: host.audit("report.xml"), "a report must be XML"),
            (lambda _: untyped.read_host_facts("{}"), "must be bytes"),
        ],
    )
    def test_it_says_what_to_write(self, host: Any, call: Any, told: str) -> None:
        with pytest.raises(domcaps.WrongTypeError, match=re.escape(told)):
            call(host)

    def test_long_values_are_cut(self, host: Any) -> None:
        with pytest.raises(domcaps.WrongTypeError) as caught:
            host.explain(["x" * 10_000])
        assert len(str(caught.value)) < 200
        with pytest.raises(domcaps.WrongTypeError) as caught:
            untyped.baseline(one for one in ["x" * 10_000])
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("text", ["", "  \n", "no XML", "a.b", b"guest.xml", b"/etc/passwd"])
    def test_what_names_no_file_is_a_finding(self, host: Any, text: str | bytes) -> None:
        assert host.validate(text).verdict == "refused"

    def test_generators_and_subclasses_are_taken(self, host: Any) -> None:
        class Text(str):
            __slots__ = ()

        assert host.validate(Text("<domain/>"), ignore=(one for one in ["disk"])).findings
        assert domcaps.baseline(one for one in [host]).xml
