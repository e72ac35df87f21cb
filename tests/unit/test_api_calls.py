"""The page of calls: each has its section, its errors are those that it raises, examples run."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

import domcaps
from api_examples import PAGE, examples
from domcaps.facts.emulators import RecordedEmulators
from domcaps.fleet.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TEXT = PAGE.read_text()
SECTIONS = dict(
    zip(*[iter(re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)[1:])] * 2, strict=False)
)
OWNERS: dict[str, Any] = {
    "Host": domcaps.Host, "host": domcaps.LiveHost, "host.emulators": RecordedEmulators,
    "caps": domcaps.DomainCapabilities, "chosen": domcaps.Chosen, "repair": domcaps.Repair,
    "found": domcaps.Comparison, "Fleet": Fleet, "fleet": Fleet, "": domcaps,
}  # fmt: skip
FOR_DOMCAPS_ITSELF = {
    "world_of", "known_world", "answer", "talk", "vouch", "for_clients", "shown_lies_of", "ready",
    "entry", "few_facts", "manifests", "deciding_host", "host_of", "engine", "judged", "take",
}  # fmt: skip


GUEST = (
    "<domain type='qemu'><name>a</name><memory>1048576</memory>"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
)
ODD = f"<?xml version='1.0' encoding='ARMSCII-8'?>{GUEST}".replace(
    "</domain>", "<devices><video><model type='foo'/></video></devices></domain>"
)
"""Python does not have this encoding."""
ARM = GUEST.replace("x86_64", "aarch64").replace("q35", "virt")
BAD: dict[str, tuple[Any, ...]] = {
    "emulator": ("/nope",),
    "arch": ("nonsense", "aarch64"),
    "machine": ("q36",),
    "virttype": ("xen", "kvmm"),
    "libvirt": ("99", "9.99"),
    "xml": ("", "<network/>", "<domain/>", ODD.encode(), ARM, GUEST.replace("q35", "q36"), b"\xff"),
    "report": ("", "<network/>", "<domainCapabilities><path>/x</path></domainCapabilities>"),
    "ignore": (["disk-target-unknwn"], [""]),
    "folder": ("", "/nowhere"),
    "path": ("", "video.modeltype", "/nope"),
    "name": ("", "nonsense", "a/b"),
    "os": ("Windows elf",),
    "use": ("dektop",),
    "graphics": ("spicy",),
    "disks": (["/a,bsu=ide"],),
    "settings": ({"video.modeltype": "qxl"},),
    "hotplug": (3000,),
    "to": ("pc",),
    "hosts": ((),),
    "domain": ("", "<network/>", ARM),
    "for_domain": (True,),
    "data": (b"", b"{}", b"["),
    "place": ("",),
    "questions": ([{"machien": "x"}], [{"machine": "q36"}], [{"libvirt": "99"}]),
}  # fmt: skip
"""Arguments that calls refuse, by the name of the parameter."""


def errors_of(section: str) -> set[str]:
    """Give the errors that a section lists."""
    table = SECTIONS[section].partition("| raises | when |\n|---|---|\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def function_of(section: str) -> Any:
    owner, _, name = section.rpartition(".")
    return getattr(OWNERS[owner], name)


def public() -> Iterator[str]:
    for name in domcaps.__all__:
        if inspect.isfunction(getattr(domcaps, name)):
            yield name
    makers = {"open", "load", "local", "from_recording"}
    for owner, kind in OWNERS.items():
        if owner in {"", "Host", "Fleet"}:
            continue
        for name, value in inspect.getmembers(kind):
            if name.startswith("_") or not callable(value) or name in FOR_DOMCAPS_ITSELF:
                continue
            if name in makers:
                yield f"{'Fleet' if kind is Fleet else 'Host'}.{name}"
            elif owner != "host.emulators" or name != "find":
                yield f"{owner}.{name}"


def test_each_public_call_has_its_section() -> None:
    assert sorted(SECTIONS) == sorted(public())


@pytest.mark.parametrize("section", SECTIONS)
def test_the_signature_is_that_of_the_function(section: str) -> None:
    owner = section.rpartition(".")[0]
    written = section if owner else f"domcaps.{section}"
    found = re.search(
        rf"`{re.escape(written)}\((.*?)\)`\n? ?gives|`{re.escape(written)}\((.*?)\)`",
        SECTIONS[section],
    )
    assert found, section
    stated = re.findall(r"(\*?\w+|\*|…)(=\"[^\"]*\"|=[^,]*)?", found[1] or found[2] or "")
    parameters = inspect.signature(inspect.unwrap(function_of(section))).parameters
    own = [one for one in parameters.values() if one.name not in {"self", "cls"}]
    defaults = {
        one.name: "" if one.default is one.empty else "=" + repr(one.default).replace("'", '"')
        for one in own
        if one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    }
    told = {name: default.rstrip() for name, default in stated if name.isidentifier()}
    if "…" in found[0]:
        return  # the options are those of another call
    options = {name for name, default in told.items() if default == "="}
    assert {n: d for n, d in told.items() if n not in options and n != "kinds"} == {
        n: d.replace("Flags(disable_deprecated_features=False, expand_cpu_features=False, "
                     "supported_cpu_features=False)", "Flags()")
        for n, d in defaults.items()
    }  # fmt: skip
    known = {*domcaps.WishOptions.__annotations__} if section == "host.choose" else set()
    known |= {*domcaps.TargetOptions.__annotations__} if options and not known else set()
    assert options == known


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    fleet = Fleet.open(tmp_path_factory.mktemp("fleet") / "store")
    recording = domcaps.Host.open("shipped:debian13-x86_64").recording
    assert recording is not None
    fleet.add(recording, "one")
    return fleet


@pytest.fixture(scope="module")
def owners(store: Fleet) -> dict[str, tuple[Any, ...]]:
    """Give objects of which the methods are called, those that work first."""
    host = domcaps.Host.open("shipped:debian13-x86_64")
    empty = domcaps.Host.from_recording(
        domcaps.Recording(
            host=domcaps.read_host_facts(b'{"arch": "x86_64"}', where="x"), emulators=()
        )
    )
    local = domcaps.Host.local()
    return {
        "Host": (domcaps.Host,), "": (domcaps,), "Fleet": (Fleet,), "fleet": (store,),
        "host": (host, empty, local), "host.emulators": (host.emulators, local.emulators),
        "caps": (host.domain_capabilities(),), "chosen": (host.choose(),),
        "repair": (host.repair(GUEST),), "found": (domcaps.compare(host, host),),
    }  # fmt: skip


NAMES = {"code": "xml-malformed", "fleet.host": "one", "chosen.elements": "video"}
"""What `name` is in calls for which it is no step."""


def arguments_of(section: str, owners: dict[str, tuple[Any, ...]], good: Path) -> dict[str, Any]:
    """Give arguments with which a call succeeds."""
    host = owners["host"][0]
    fitting: dict[str, Any] = {
        "xml": GUEST, "report": owners["caps"][0].xml, "folder": good, "hosts": (host,),
        "before": host, "after": host, "recording": host.recording,
        "domains": [("a", GUEST.encode())],
        "questions": [], "paths": [], "results": [], "data": b"", "where": "x", "place": good / "s",
        "path": "video", "name": NAMES.get(section, "os.machine"),
    }  # fmt: skip
    parameters = inspect.signature(inspect.unwrap(function_of(section))).parameters.values()
    return {
        one.name: fitting[one.name]
        for one in parameters
        if one.default is one.empty and one.name in fitting
    }


def raised(call: Callable[[], object]) -> set[str]:
    try:
        found = call()
        if inspect.isgenerator(found):
            list(found)
    except domcaps.DomcapsError as error:
        return {type(error).__name__}
    return set()


LIVE_ONLY = {"host.verify", "host.try_domain", "host.shown_lies"}


def calls_of(
    section: str, owners: dict[str, tuple[Any, ...]], good: Path
) -> Iterator[Callable[[], object]]:
    owner, _, name = section.rpartition(".")
    given = arguments_of(section, owners, good)
    found = inspect.unwrap(function_of(section))
    options = {*inspect.signature(found).parameters}
    if "wishes" in options:
        options |= {*domcaps.WishOptions.__annotations__}
    if options & {"target", "options"}:
        options |= {*domcaps.TargetOptions.__annotations__}
    holders = owners[owner]
    if owner == "host":
        holders = holders[2:] if section in LIVE_ONLY else holders[:2]
    if owner == "fleet":
        holders = (*holders, Fleet.open(good / "nothing"))
    for holder in holders:
        call = getattr(holder, name)
        yield lambda call=call: call(**given)  # type: ignore[misc]
        for option in options & BAD.keys():
            for value in BAD[option]:
                yield lambda call=call, more={option: value}: call(**{**given, **more})  # type: ignore[misc]
    yield from specific(section, owners, given, good)


def specific(
    section: str, owners: dict[str, tuple[Any, ...]], given: dict[str, Any], good: Path
) -> Iterator[Callable[[], object]]:
    """Give calls whose fault no single argument is."""
    host, empty, local = owners["host"]
    other = domcaps.Host.open("shipped:debian13-aarch64")
    strange = GUEST.replace(
        "</os>", "</os><launchSecurity type='sev'><policy>1</policy></launchSecurity>"
    )
    special: dict[str, list[Callable[[], object]]] = {
        "Host.open": [
            lambda: domcaps.Host.open("shipped:nothing"),
            lambda: domcaps.Host.open("locla"),
        ],
        "host.emulators.get": [lambda: local.emulators.get("/bin/sh")],
        "host.convert": [lambda: host.convert(ARM, to="q35")],
        "host.native": [lambda: host.native(strange, judge=False)],
        "host.try_domain": [
            lambda: local.try_domain("<network/>", judge=False),
            lambda: local.try_domain(strange, judge=False),
        ],
        "baseline": [
            lambda: domcaps.baseline([empty]),
            lambda: domcaps.baseline([host, other]),
        ],
        "compare": [
            lambda: domcaps.compare(empty, host),
            lambda: domcaps.compare(host, other, machine="q35"),
        ],
        "choose_for": [lambda: domcaps.choose_for([empty])],
        "found.of_kind": [lambda: owners["found"][0].of_kind("valeu")],
        "fleet.add": [
            lambda: owners["fleet"][0].add("/nowhere.domcaps"),
            lambda: owners["fleet"][0].add(host.recording, ""),
        ],
    }
    yield from special.get(section, [])


@pytest.mark.parametrize("section", SECTIONS)
def test_errors_are_those_that_are_listed(
    section: str, owners: dict[str, tuple[Any, ...]], tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text(GUEST)
    found = set(itertools.chain.from_iterable(map(raised, calls_of(section, owners, tmp_path))))
    found.discard("WrongTypeError")
    if section in LIVE_ONLY:
        # which emulators this machine has decides on the others
        assert found - {"EmulatorNotFoundError", "NoEmulatorError"} <= errors_of(section)
    else:
        assert found == errors_of(section)


def test_examples_print_what_the_page_says() -> None:
    count = 0
    for example, printed in examples(TEXT):
        if example["output"] is not None:
            assert printed == example["output"], example["code"]
            count += 1
    assert count > 40


def test_each_call_has_an_example() -> None:
    without = {name for name, body in SECTIONS.items() if "```python" not in body}
    assert without == {"host.shown_lies"}  # what it gives depends on the machine
