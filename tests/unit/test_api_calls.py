"""The page of calls: each has its section, its errors are those that it raises, examples run."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

import domcaps
from api_examples import PAGE, examples
from domcaps.facts.emulators import RecordedEmulators
from domcaps.fleet.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    "entry", "manifests", "deciding_host", "host_of", "engine", "judged", "take",
}  # fmt: skip


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
