"""A value that is chosen can also be asked for by its name, and all orders of values agree."""

from __future__ import annotations

import pytest

import domcaps

GUESTS = [
    ("sid-x86_64", "microvm", "desktop"),
    ("sid-x86_64", "microvm", "server"),
    ("sid-x86_64", "isapc", "desktop"),
    ("debian13-x86_64", "q35", "desktop"),
    ("debian12-x86_64", "pc", "server"),
    ("sid-aarch64", "virt", "desktop"),
    ("sid-s390x", "", "server"),
    ("sid-ppc64", "", "desktop"),
]


def _chosen(
    name: str, machine: str, use: str, settings: dict[str, str] | None = None
) -> domcaps.Chosen:
    host = domcaps.Host.open(f"shipped:{name}")
    word: domcaps.GuestUse = "desktop" if use == "desktop" else "server"
    return host.choose("guest", os="linux", machine=machine, use=word, settings=settings or {})


def _named(value: str) -> str:
    return value or "nothing"


@pytest.mark.parametrize(("name", "machine", "use"), GUESTS)
def test_what_is_chosen_can_be_asked_for(name: str, machine: str, use: str) -> None:
    chosen = _chosen(name, machine, use)
    settings = {s.name: s.value for s in chosen.steps if "." in s.name and s.name != "os.machine"}
    assert len(settings) > 3
    for step, value in settings.items():
        assert _chosen(name, machine, use, {step: value}).xml == chosen.xml, step


def test_graphics_that_are_wished_bring_the_screen_that_goes_with_them() -> None:
    """libvirt's own choice of a video model would need a bus that the machine lacks."""
    host = domcaps.Host.open("shipped:sid-x86_64")
    for wishes in ({"graphics.type": "vnc"}, {"graphics.type": "vnc", "input.bus": ""}):
        chosen = host.choose("guest", os="linux", machine="microvm", settings=wishes)
        assert chosen.step("video.modelType").value == "ramfb"


@pytest.mark.parametrize(("name", "machine", "use"), GUESTS)
@pytest.mark.parametrize("path", ["video.modelType", "graphics.type"])
def test_all_orders_of_values_agree(name: str, machine: str, use: str, path: str) -> None:
    chosen = _chosen(name, machine, use)
    step, ranked = chosen.step(path), chosen.ranked(path)
    possible = [_named(one.value) for one in ranked if one.is_possible]
    assert possible[0] == _named(step.value)
    assert possible[1:2] == ([step.next] if step.next else possible[1:2])
    before = [_named(one.value) for one in ranked[: ranked.index(_rank(ranked, step.value))]]
    better = [value for value, _ in step.passed]
    assert before == [value for value in better if value in before]
    assert {_named(o.value) for o in ranked if not o.is_possible} & {*better} == {*before}
    remarks = [bool(one.why_not) for one in ranked if one.is_possible and one.why]
    assert remarks == sorted(remarks) or step.next in dict(step.passed)


def _rank(ranked: tuple[domcaps.RankedValue, ...], value: str) -> domcaps.RankedValue:
    return next(one for one in ranked if one.value == value)
