"""What holds for any CPU, made up or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from cpu_fakes import NEWEST, definition, emulator, host, x86_answers
from domcaps.cpu import custom_models, host_model
from domcaps.cpu.names import libvirt_name
from domcaps.cpu.x86 import CpuData, decode, disabling
from domcaps.cpu.x86map import x86_map

if TYPE_CHECKING:
    import random

MAP = x86_map(NEWEST)
GUESTS = [model.name for model in MAP.models.values() if model.guest]

FEATURES = st.builds(
    lambda model, more, less: (MAP.models[model].features | MAP.bits_of(more)) & ~MAP.bits_of(less),
    st.sampled_from(sorted(MAP.models)),
    st.lists(st.sampled_from(MAP.names), max_size=30),
    st.lists(st.sampled_from(MAP.names), max_size=30),
)
CPUS = st.builds(
    CpuData,
    FEATURES,
    st.sampled_from(["", "Intel", "AMD", "Hygon"]),
    st.integers(0, 31),
    st.integers(0, 255),
    st.integers(0, 15),
)
OFFERED = st.dictionaries(
    st.sampled_from(sorted(MAP.models)),
    st.lists(st.sampled_from(MAP.names), max_size=8),
    min_size=1,
)
NAMES = st.sampled_from([*MAP.names, "vendor", "family", "model", "stepping", "pclmulqdq", "x"])
JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=14)
    | st.lists(st.integers(), max_size=2)
)


@given(CPUS, st.sets(st.sampled_from(GUESTS), min_size=1))
def test_a_definition_stands_for_the_very_cpu(data: CpuData, offered: set[str]) -> None:
    found = decode(data, dict.fromkeys(offered, ()), MAP)
    if found is None:
        return
    assert found.model in offered
    model = MAP.models[found.model]
    assert model.vendor in {"", data.vendor} or not data.vendor
    meant = (model.features | MAP.bits_of(found.require)) & ~MAP.bits_of(found.disable)
    dropped = MAP.bits_of(("hle", "rtm"))  # what some Intel processors have but must not use
    assert meant & ~dropped == data.features & ~dropped
    assert not set(found.require) & set(found.disable)


@given(CPUS, OFFERED)
def test_nothing_is_told_twice_and_blockers_are_never_left_on(
    data: CpuData, offered: dict[str, list[str]]
) -> None:
    found = decode(data, offered, MAP)
    if found is None:
        return
    told = (*found.require, *found.disable)
    assert len(set(told)) == len(told)
    assert set(offered[found.model]) <= set(told)


@given(CPUS, OFFERED, st.randoms(use_true_random=False))
def test_the_order_of_what_is_offered_does_not_matter(
    data: CpuData, offered: dict[str, list[str]], order: random.Random
) -> None:
    items = list(offered.items())
    order.shuffle(items)
    assert decode(data, dict(items), MAP) == decode(data, offered, MAP)


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_penalty_is_that_of_a_walk_that_gets_shorter(required: int, disabled: int) -> None:
    definition = ["require"] * required + ["disable"] * disabled
    left, penalty, place = len(definition), 0, 0
    while place < left:
        if definition[place] == "disable":
            left -= 1
            penalty += 2 + len(definition) - left - 1
        place += 1
    assert disabling(disabled) == (penalty, len(definition) - left)


@given(st.dictionaries(NAMES, JUNK, max_size=20), st.dictionaries(NAMES, JUNK, max_size=20))
def test_whatever_qemu_says_of_the_host_is_taken_or_left(
    props: dict[str, Any], every: dict[str, Any]
) -> None:
    answers = x86_answers("max", props, [definition("qemu64"), definition("486")], every)
    found = host_model(emulator(answers), "tcg", host(), NEWEST, expand=True, supported=True)
    if found is not None:
        names = [feature.name for feature in found.features]
        assert names == sorted(set(names))
        assert set(names) <= set(MAP.names)


@given(st.lists(st.tuples(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=4))))
def test_models_are_in_order_and_blocked_where_they_lack_something(
    models: list[tuple[str, list[str]]],
) -> None:
    told = [definition(name, *lacking) for name, lacking in models]
    answers = x86_answers("max", {}, told)
    facts = emulator(answers, target="riscv64", types=())
    found = custom_models(facts, "tcg", "riscv64", NEWEST)
    assert [m.name for m in found] == sorted(m.name for m in found)
    assert all((m.usable == "no") == bool(m.blockers) for m in found)


@given(st.text())
def test_names_are_translated_for_x86_only(name: str) -> None:
    assert libvirt_name("s390x", name) == name
    assert libvirt_name("x86_64", libvirt_name("x86_64", name)) == libvirt_name("x86_64", name)
