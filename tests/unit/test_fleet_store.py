"""The store of a fleet: nothing lost, nothing half visible, nothing believed unverified."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domcaps.errors import FleetError
from domcaps.facts.deciding import deciding
from domcaps.facts.node import Leaf, Node
from domcaps.facts.recording import loads
from domcaps.fleet.blobs import BlobFolder
from domcaps.fleet.content import key_of
from domcaps.fleet.manifest import decode, encode, sha256
from domcaps.fleet.store import FleetStore
from domcaps.fleet.upkeep import check, collect_garbage
from domcaps.shipped import SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.facts.record import Recording

replace = msgspec.structs.replace


def shipped(name: str = "debian13-x86_64") -> Recording:
    from importlib.resources import files

    return loads((files("domcaps") / "recordings" / f"{name}{SUFFIX}").read_bytes(), name)


@pytest.fixture(scope="module")
def recording() -> Recording:
    node = Node(
        uuid="6695eb01-f6a4-8304-79aa-97f2502e193f", mhz=2400, memory_kib=1 << 20, tsc_hz=10**9,
        cpuid=(Leaf(1, 0, 1, 0x12000800, 3, 4), Leaf(7, 0, 0, 0xFF000000, 0, 0)), suspends=("mem",)
    )  # fmt: skip
    return replace(shipped(), node=node, made_at="2026-01-01T00:00:00+00:00", comment="first")


def masked(recording: Recording) -> Recording:
    """Give a recording without the number of the CPU that executed CPUID."""
    node = recording.node
    assert node is not None
    leaves = (Leaf(1, 0, 1, 0x00000800, 3, 4), *node.cpuid[1:])
    return replace(recording, node=replace(node, cpuid=leaves))


def test_a_recording_comes_back_as_it_was(tmp_path: Path, recording: Recording) -> None:
    store = FleetStore(tmp_path)
    store.add(recording, "a")
    assert FleetStore(tmp_path).recording(FleetStore(tmp_path).hosts()["a"]) == masked(recording)


def test_two_recordings_of_one_host_have_one_digest(tmp_path: Path, recording: Recording) -> None:
    node = recording.node
    assert node is not None
    later = replace(
        recording, made_at="2026-02-01T00:00:00+00:00", comment="second",
        host=replace(recording.host, kernel="another"),
        node=replace(node, mhz=800, uuid="", memory_kib=5, cpuid=(
            Leaf(1, 0, 1, 0x7F000800, 3, 4), *node.cpuid[1:])),
        emulators=tuple(replace(e, mtime_ns=9, size=9) for e in recording.emulators),
    )  # fmt: skip
    store = FleetStore(tmp_path)
    assert store.add(recording, "a").digest == store.add(later, "b").digest
    assert deciding(recording) == deciding(later)


@pytest.mark.parametrize("field", ["tsc_hz", "tsc_scaling", "arch_capabilities", "msrs", "cpuid"])
def test_what_a_rule_reads_of_the_hardware_is_in_the_digest(
    tmp_path: Path, recording: Recording, field: str
) -> None:
    assert recording.node is not None
    value: Any = {"tsc_scaling": True, "msrs": ((1, 1),), "cpuid": (Leaf(7, 0, 1),)}.get(field, 77)
    other = replace(recording, node=replace(recording.node, **{field: value}))
    store = FleetStore(tmp_path)
    assert store.add(recording, "a").digest != store.add(other, "a").digest
    assert deciding(recording) != deciding(other)


def test_a_known_qemu_costs_a_new_host_little(tmp_path: Path, recording: Recording) -> None:
    store = FleetStore(tmp_path)
    store.add(recording, "a")
    before = sum(one.size for one in store.blobs.list(""))
    store.add(replace(recording, host=replace(recording.host, hugepage_sizes_kib=(4,))), "b")
    assert sum(one.size for one in store.blobs.list("")) - before < 8000


def test_equal_moments_leave_the_first_and_the_last(tmp_path: Path, recording: Recording) -> None:
    store = FleetStore(tmp_path)
    for number in range(5):
        store.add(replace(recording, comment=str(number)), "a")
    moments = [store.manifest(key).comment for key in store.moments("a")]
    assert moments == ["0", "4"]
    store.add(replace(recording, host=replace(recording.host, arch="i686")), "a")
    assert len(store.moments("a")) == 3


def test_garbage_is_collected_and_what_is_named_stays(tmp_path: Path, recording: Recording) -> None:
    store = FleetStore(tmp_path)
    store.add(recording, "a")
    lone = key_of(store.content.put(b"of a writer that was killed"))
    store.add(replace(recording, host=replace(recording.host, arch="i686")), "a")
    assert collect_garbage(store).contents == 0  # a writer may be about to name it
    done = collect_garbage(store, keep=1, grace=0)
    assert (done.manifests, store.blobs.has(lone)) == (1, False)
    fresh = FleetStore(tmp_path)
    assert check(fresh) == []
    assert fresh.recording(fresh.hosts()["a"]).host.arch == "i686"


def test_what_a_killed_writer_was_writing_is_collected(
    tmp_path: Path, recording: Recording
) -> None:
    store = FleetStore(tmp_path)
    store.add(recording, "a")
    part = tmp_path / ".parts" / "17-0-abc"
    part.write_bytes(b"half of a content")
    assert collect_garbage(store).contents == 0  # it may be that of a writer that works
    assert part.exists()
    done = collect_garbage(store, grace=0)
    assert (done.contents, done.freed, part.exists()) == (1, 17, False)
    assert done.left == sum(one.size for one in store.blobs.list("content/"))


def test_damage_is_found_and_never_believed(tmp_path: Path, recording: Recording) -> None:
    store = FleetStore(tmp_path)
    manifest = store.add(recording, "a")
    victim = tmp_path / key_of(manifest.facts["arch"])
    victim.write_bytes(victim.read_bytes()[:-1])
    fresh = FleetStore(tmp_path)
    with pytest.raises(FleetError, match="does not match"):
        fresh.recording(fresh.hosts()["a"])
    assert any("does not match" in one.text for one in check(fresh))
    victim.unlink()
    assert any("missing" in one.text for one in check(FleetStore(tmp_path)))


@pytest.mark.parametrize("name", ["..", ".", "a/b", "ünï", "%2e%2e", "a" * 80, "-x"])
def test_any_name_stays_inside(tmp_path: Path, recording: Recording, name: str) -> None:
    store = FleetStore(tmp_path / "in")
    store.add(recording, name)
    assert list(store.hosts()) == [name]
    assert {p.name for p in tmp_path.iterdir()} == {"in"}


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "a" * 81])
def test_names_that_would_confuse_are_refused(
    tmp_path: Path, recording: Recording, name: str
) -> None:
    with pytest.raises(FleetError):
        FleetStore(tmp_path).add(recording, name)


@pytest.mark.parametrize(
    "key", ["../x", "content/../../x", "/etc/passwd", "hosts", "hosts/a/..", ""]
)
def test_no_key_leads_out(tmp_path: Path, key: str) -> None:
    with pytest.raises(FleetError):
        BlobFolder(tmp_path).get(key)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    import zlib

    store, data = FleetStore(tmp_path), bytes(200 << 20)
    name = sha256(data)
    store.blobs.put(key_of(name), zlib.compress(data))
    with pytest.raises(FleetError):
        store.content.get(name)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_bytes_are_a_manifest_or_a_clear_error(
    tmp_path: Path, recording: Recording, data: st.DataObject
) -> None:
    good = encode(FleetStore(tmp_path).add(recording, "a"))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + data.draw(st.binary(max_size=5)) + good[at + data.draw(st.integers(0, 9)) :]
    with contextlib.suppress(FleetError):
        FleetStore(tmp_path).recording(decode(bad, "x"))


@pytest.mark.parametrize(
    "name", ["good/README", "good/20261130T000000.000000Z", "a\x1b[31m/x", "<script>/x", "file"]
)
def test_what_is_no_manifest_stops_no_question(
    name: str, tmp_path: Path, recording: Recording
) -> None:
    store = FleetStore(tmp_path)
    store.add(recording, "good")
    place = tmp_path / "hosts" / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"none")
    assert list(store.hosts()) == ["good"]
    assert len(store.moments("good")) == 1
    assert len(list(store.manifests())) == 1
    assert collect_garbage(store).contents == 0
    assert [trouble.key for trouble in check(store)] == [f"hosts/{name}"]
