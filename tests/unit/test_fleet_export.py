"""Exports: faithful to reports, within the limits of others, and gone when the fact goes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from command_runner import CliRunner
from domcaps.cli.fleet import command
from domcaps.errors import FleetError
from domcaps.fleet.export.kubernetes import node_features, selector_of, selector_yaml
from domcaps.fleet.export.labels import features_of, labels_of
from domcaps.fleet.export.names import label_name, label_value, trait_name, trait_names
from domcaps.fleet.export.nfd import feature_file
from domcaps.fleet.export.placement import Placement, provider_yaml, traits_by_host
from domcaps.fleet.export.prometheus import Metric, exposition
from domcaps.fleet.export.yaml_text import to_yaml
from domcaps.fleet.features import GuestFeatures, HostFeatures, features_by_class
from domcaps.fleet.fleet import Fleet
from fleet_hosts import replace, shipped
from placement_server import FakePlacement

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
TRAIT = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}", re.ASCII)
TOKEN = FakePlacement().token
DEVICES = ("disk", "video", "graphics", "rng", "tpm")
EFI = "domcaps-machine.q35.os.firmware.efi"


def run(*words: object, code: int = 0, **environ: str) -> Result:
    done = CliRunner().invoke(command, ["export", *map(str, words)], env=environ)
    assert done.exit_code == code, (done.output, done.exception)
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store of three hosts in two classes: the third one has no UEFI."""
    folder = tmp_path_factory.mktemp("store")
    made = Fleet.open(folder)
    one = replace(shipped(), made_at="2026-11-01T00:00:00+00:00")
    for name in ("node-1", "node-2"):
        made.add(one, name)
    made.add(without_firmware(), "node-3")
    return folder


def without_firmware() -> Any:
    one = shipped()
    return replace(one, host=replace(one.host, firmware=(), images=(), image_sizes={}))


@pytest.fixture(scope="module")
def hosts(place: Path) -> list[HostFeatures]:
    return list(features_by_class(Fleet.open(place)))


def test_a_feature_is_what_the_report_of_every_machine_type_has(
    place: Path, hosts: list[HostFeatures]
) -> None:
    host = Fleet.open(place).host("node-1")
    (guest,) = hosts[0].guests
    names = {name for group in guest.groups for name in group.machines}
    for machine in ("pc-i440fx-10.0", "pc-q35-10.0", "pc-q35-2.4", "isapc", "microvm"):
        caps = host.domain_capabilities(machine=machine)
        group = next((g for g in guest.groups if machine in g.machines), None)
        more = group.more if group else ()
        assert (machine in names) == (group is not None)
        said = {
            f"{element}.{name}={value}"
            for element in DEVICES
            for name, values in getattr(caps.devices, element).enums.items()
            for value in values
        }
        mine = {one for one in (*guest.features, *more) if one.split(".")[0] in DEVICES}
        assert {one for one in mine if "=" in one} == said, machine
    assert "disk.bus=ide" not in guest.features
    assert any("disk.bus=ide" in group.more for group in guest.groups if group.name == "pc")


def test_a_common_set_and_exceptions_are_short(hosts: list[HostFeatures]) -> None:
    assert [len(one.hosts) for one in hosts] == [2, 1]
    (guest,) = hosts[0].guests
    exceptions = sum(len(group.more) for group in guest.groups)
    assert len(guest.features) > 100
    assert exceptions < 20
    # one list for each machine type would be many times as long
    assert len(guest.groups) <= 4
    assert sum(len(group.machines) for group in guest.groups) > 40


@pytest.mark.parametrize("name", ["debian13-aarch64", "debian13-s390x", "sid-x86_64"])
def test_files_of_nfd_keep_its_limits(tmp_path: Path, name: str) -> None:
    made = Fleet.open(tmp_path)
    made.add(shipped(name), "a")
    (one,) = features_by_class(made)
    text = feature_file(one)
    assert len(text.encode()) <= 64 << 10
    lines = [line.split("=") for line in text.splitlines() if not line.startswith("#")]
    assert all(len(line) == 2 for line in lines)
    assert len({key for key, _ in lines}) == len(lines)
    for key, value in lines:
        assert NAME.fullmatch(key), key
        assert NAME.fullmatch(value), value
    features = list(features_of(one))
    assert len({label_name(feature) for feature in features}) == len(features)


def test_names_stay_apart_and_short() -> None:
    long = "cpu.custom=" + "X" * 100
    assert label_name("video.modelType=vga") == "domcaps-video.modelType.vga"
    assert trait_name("video.modelType=vga") == "CUSTOM_DOMCAPS_VIDEO_MODELTYPE_VGA"
    odd = [long, long + "Y", "a=b c", "a=b/c", "a=é", "a=", "a=\n", "a=-", "a=" + "\ud800"]
    names = [label_name(one) for one in odd]
    assert len(set(names)) == len(odd)
    assert all(NAME.fullmatch(name) for name in names), names
    traits = trait_names([*odd, "a.b=c", "a=b.c", "A=b.c", "x" * 300, "x" * 301])
    assert len(set(traits.values())) == len(traits)
    assert all(TRAIT.fullmatch(name) for name in traits.values()), traits
    for value in ("-a-", "a b", "é", "x" * 100, ""):
        assert not label_value(value) or NAME.fullmatch(label_value(value))


def test_labels_go_with_the_fact(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "features.d"
    made = Fleet.open(store)
    for name in ("node-1", "node-2"):
        made.add(shipped(), name)
    folder.mkdir()
    (folder / "of-others").write_text("vendor=true\n")
    run(store, "--format", "nfd", "-o", folder)
    assert f"{EFI}=true\n" in (folder / "node-1").read_text()
    number = (folder / "node-1").stat().st_ino
    made.add(without_firmware(), "node-1")
    for key in made.store.moments("node-2"):
        made.store.blobs.delete(key)
    done = run(store, "--format", "nfd", "-o", folder)
    assert EFI not in (folder / "node-1").read_text()
    assert (folder / "node-1").stat().st_ino != number
    assert "node-2: deleted" in done.stderr
    assert {one.name for one in folder.iterdir()} == {"node-1", "of-others"}


def test_the_file_of_a_host_that_can_t_be_read_stays(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "features.d"
    made = Fleet.open(store)
    for name in ("a", "b"):
        made.add(shipped(), name)
    run(store, "--format", "nfd", "-o", folder)
    (store / made.store.latest()["b"]).write_bytes(b"{")
    done = run(store, "--format", "nfd", "-o", folder, code=2)
    assert "b was not read" in done.stderr
    assert {one.name for one in folder.iterdir()} == {"a", "b"}


def test_names_of_hosts_lead_out_of_no_folder(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "features.d"
    made = Fleet.open(store)
    for name in ("../up", ".hidden", "a/b", "100%"):
        made.add(shipped(), name)
    run(store, "--format", "nfd", "-o", folder)
    assert {one.name for one in tmp_path.iterdir()} == {"store", "features.d"}
    names = sorted(one.name for one in folder.iterdir())
    assert len(names) == 4
    assert not any(name.startswith(".") or "/" in name for name in names)


def test_node_features_are_objects_of_kubernetes(place: Path, hosts: list[HostFeatures]) -> None:
    found = list(yaml.safe_load_all(run(place, "--format", "nodefeature").stdout))
    assert [one["metadata"]["name"] for one in found] == [
        "domcaps-node-1", "domcaps-node-2", "domcaps-node-3"
    ]  # fmt: skip
    for one in found:
        assert one["kind"] == "NodeFeature"
        assert one["apiVersion"] == "nfd.k8s-sigs.io/v1alpha1"
        assert all(NAME.fullmatch(key) for key in one["spec"]["labels"])
    assert found[0]["spec"]["labels"] == labels_of(hosts[0])
    assert EFI in found[0]["spec"]["labels"]
    assert EFI not in found[2]["spec"]["labels"]
    assert node_features([]) == ""


def domain(folder: Path, video: str = "vga", firmware: str = "") -> Path:
    path = folder / f"{video}{bool(firmware)}.xml"
    path.write_text(f"""<domain type='qemu'><name>a</name><memory>1048576</memory>
<os {firmware}><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<devices><video><model type='{video}'/></video></devices></domain>""")
    return path


def test_a_selector_selects_the_accepting_hosts(place: Path, tmp_path: Path) -> None:
    path = domain(tmp_path, firmware="firmware='efi'")
    text = run(place, "--format", "node-selector", "--domain", path).stdout
    assert "2 hosts accept it, 1 refuse it" in text
    selector = yaml.safe_load(text)["nodeSelector"]
    assert len(selector) == 1
    labels = {
        name: {f"feature.node.kubernetes.io/{k}": v for k, v in labels_of(one).items()}
        for one in features_by_class(Fleet.open(place))
        for name in one.hosts
    }
    chosen = {name for name, have in labels.items() if selector.items() <= have.items()}
    assert chosen == {"node-1", "node-2"}
    everywhere = run(place, "--format", "node-selector", "--domain", domain(tmp_path)).stdout
    assert yaml.safe_load(everywhere) == {}


def guest(features: tuple[str, ...]) -> GuestFeatures:
    return GuestFeatures("x86_64", "/q", "10.0.0", "kvm", "12.8", features)


def test_where_labels_do_not_tell_hosts_apart_classes_do() -> None:
    hosts = [
        HostFeatures("1", ("a",), (guest(("x",)),)),
        HostFeatures("2", ("b",), (guest(("x",)),)),
        HostFeatures("3", ("c",), (guest(("x", "y")),)),
    ]
    found = selector_of(hosts, {"a", "c"})
    assert found.labels is None
    text = yaml.safe_load(selector_yaml(found))
    (term,) = text["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"][0]["values"] == ["1", "3"]
    one = selector_of(hosts, {"c"})
    assert one.labels == {"feature.node.kubernetes.io/domcaps-class": "3"} or one.labels == {
        "feature.node.kubernetes.io/domcaps-y": "true"
    }
    with pytest.raises(FleetError):
        selector_yaml(selector_of(hosts, ()))


def test_placement_gets_traits_and_loses_them(place: Path, hosts: list[HostFeatures]) -> None:
    fake = FakePlacement("node-1", "node-3")
    fake.traits["node-1"] = {"HW_CPU_X86_VMX", "CUSTOM_DOMCAPS_GONE", "CUSTOM_OF_OTHERS"}
    fake.known |= fake.traits["node-1"]
    fake.race = 2
    with fake.running():
        done = run(place, "--format", "placement", "--url", fake.url, code=1, OS_TOKEN=TOKEN)
        assert "1 removed" in done.stderr
        assert "node-2: Placement has no resource provider" in done.stderr
        efi = "CUSTOM_DOMCAPS_MACHINE_Q35_OS_FIRMWARE_EFI"
        wanted = traits_by_host(hosts)["node-1"]
        assert efi in wanted
        assert fake.traits["node-1"] == wanted | {"HW_CPU_X86_VMX", "CUSTOM_OF_OTHERS"}
        assert efi not in fake.traits["node-3"]
        # nothing changed: nothing is written
        fake.calls.clear()
        again = list(Placement(fake.url, TOKEN).set_traits(hosts))
        assert [(one.added, one.removed) for one in again if not one.error] == [((), ()), ((), ())]
        assert not any(m == "PUT" and "resource_providers" in path for m, path in fake.calls)
        # the fact goes
        (bare,) = [one for one in hosts if "node-3" in one.hosts]
        moved = HostFeatures(bare.class_id, ("node-1",), bare.guests)
        (one,) = Placement(fake.url, TOKEN).set_traits([moved])
        assert efi in one.removed
        assert efi not in fake.traits["node-1"]


def test_placement_s_refusals_are_told(hosts: list[HostFeatures]) -> None:
    fake = FakePlacement("node-1", "node-2", "node-3")
    with fake.running():
        found = list(Placement(fake.url, "wrong").set_traits(hosts))
        assert all("401" in one.error for one in found)
        fake.race = 1000
        found = list(Placement(fake.url, TOKEN).set_traits(hosts))
        assert all("changed during each of 5 attempts" in one.error for one in found)
    for url in ("file:///etc/passwd", "placement:8778", ""):
        with pytest.raises(FleetError, match="address"):
            Placement(url)
    (one, *_) = Placement("http://127.0.0.1:1").set_traits(hosts)
    assert "can't be reached" in one.error


def test_provider_yaml_names_each_host(hosts: list[HostFeatures]) -> None:
    found = yaml.safe_load(provider_yaml(hosts))
    assert found["meta"] == {"schema_version": "1.0"}
    names = [one["identification"]["name"] for one in found["providers"]]
    assert names == ["node-1", "node-2", "node-3"]
    for one in found["providers"]:
        assert all(TRAIT.fullmatch(trait) for trait in one["traits"]["additional"])


def test_metrics_have_class_age_unknown_and_differences(place: Path) -> None:
    text = run(place, "--format", "prometheus").stdout
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    for name in ("node-1", "node-2"):
        for metric in ("unknown_statements", "differing_facts", "recording_age_seconds"):
            assert f'domcaps_{metric}{{host="{name}"}}' in found
    assert int(found['domcaps_differing_facts{host="node-3"}']) >= 1
    assert found['domcaps_differing_facts{host="node-1"}'] == "0"
    assert float(found['domcaps_recording_age_seconds{host="node-1"}']) > 0


def test_hostile_names_do_not_break_metrics_or_yaml() -> None:
    odd = 'a"b\\c\nd{}\u2028\ud800'
    line = exposition([Metric("m", "h", [({"host": odd}, 1)])]).splitlines()[2]
    assert line.startswith('m{host="a\\"b\\\\c\\nd{}')
    value: Any = {
        "yes": ["no", "", "- a", {"x: y": odd[:-1], "e": []}],
        "n": None,
        "t": True,
        "d": {},
    }
    assert yaml.safe_load(to_yaml(value)) == value
    assert yaml.safe_load(to_yaml([])) == []


@pytest.mark.parametrize("text", ["😀", "a😀b", "\x7f", "\\ud83d\\ude00", "\U0010ffff", "\\"])
def test_yaml_gives_characters_back_that_json_writes_in_halves(text: str) -> None:
    value = {text: [text]}
    written = to_yaml(value)
    assert yaml.safe_load(written) == value
    written.encode()


def test_half_a_character_is_replaced_in_yaml() -> None:
    assert yaml.safe_load(to_yaml(["a\ud83d", "\ude00"])) == ["a\ufffd", "\ufffd"]


def test_ansible_gets_groups_by_class_and_facts(place: Path) -> None:
    found = yaml.safe_load(run(place, "--format", "ansible").stdout)["all"]
    assert set(found["hosts"]) == {"node-1", "node-2", "node-3"}
    groups = [set(group["hosts"]) for group in found["children"].values()]
    assert {"node-1", "node-2"} in groups
    local = json.loads(run(place, "--format", "ansible", "--host", "node-3").stdout)
    assert local == found["hosts"]["node-3"]["domcaps"]


def test_json_and_wrong_options(place: Path) -> None:
    found = json.loads(run(place, "--format", "json").stdout)
    assert found["version"] == 1
    assert [one["hosts"] for one in found["results"]] == [["node-1", "node-2"], ["node-3"]]
    assert "placement requires --url" in run(place, "--format", "placement", code=2).output
    done = run(place, "--format", "node-selector", code=2)
    assert "node-selector requires --domain" in done.output
    assert "--url" in run(place, "--format", "nfd", "--url", "http://x", code=2).output
    assert "--host NAME" in run(place, "--format", "nfd", code=2).output
    words = ["export", str(place), "--format", "nfd", "--host", "x"]
    assert isinstance(CliRunner().invoke(command, words).exception, FleetError)
