"""The Python interface: what is public, words that enums compare with, wrong types, texts."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import domcaps
from domcaps.elements import table
from domcaps.facts.emulators import RecordedEmulators
from domcaps.language.table import Place
from domcaps.report import view
from domcaps.report.diff import Difference
from linter import BAD, GOOD, LACKING, ODD
from plain_hosts import open_plain

DOCS = Path(__file__).parents[2] / "docs"
MANUAL = "\n".join((DOCS / name).read_text() for name in ("api.md", "api-reference.md"))

# What users hand on but do not look into: its own members are documented where it is defined.
OPAQUE = {
    "World",
    "EmulatorFacts",
    "HostFacts",
    "Node",
    "Emulators",
    "EmulatorRecord",
    "HostRecord",
}


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    return open_plain("debian13-x86_64")


def returned(kind: type) -> set[str]:
    """Give the names of domcaps' types that public members of a class give."""
    found: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith("domcaps"):
            continue
        module = sys.modules[base.__module__]
        tree = ast.parse(inspect.getsource(module))
        ours = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domcaps")
            for alias in node.names
        } | {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        (body,) = [
            n.body
            for n in ast.walk(tree)
            if isinstance(n, ast.ClassDef) and n.name == base.__name__
        ]
        for member in body:
            annotation = None
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                annotation = member.returns
            elif isinstance(member, ast.AnnAssign) and not ast.unparse(member.target).startswith(
                "_"
            ):
                annotation = member.annotation
            if annotation is not None:
                found |= {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)} & ours
    return found


class TestPublic:
    def test_every_name_is_there_and_in_the_manual(self) -> None:
        for name in domcaps.__all__:
            assert hasattr(domcaps, name), name
            assert re.search(rf"\b{name}\b", MANUAL), f"docs/api-reference.md does not name {name}"
        assert set(dir(domcaps)) == set(domcaps.__all__)

    def test_what_public_members_give_is_public(self) -> None:
        lacking = set()
        for name in domcaps.__all__:
            kind = getattr(domcaps, name)
            if isinstance(kind, type) and name not in OPAQUE:
                lacking |= {(name, one) for one in returned(kind) - set(domcaps.__all__)}
        # Explanation.changes are called NeededChange among the public names
        lacking -= {("Explanation", "Change")}
        assert {one for one in lacking if one not in INTERNAL} == set()

    def test_a_name_that_there_is_not(self) -> None:
        with pytest.raises(AttributeError, match="nonsense"):
            domcaps.nonsense  # type: ignore[attr-defined]  # noqa: B018

    def test_names_are_found_where_type_checkers_see_them(self) -> None:
        tree = ast.parse(Path(domcaps.__file__).read_text())
        seen = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domcaps.")
            for alias in node.names
        }
        for name in domcaps.__all__:
            module, own = seen[name]
            assert getattr(domcaps, name) is getattr(importlib.import_module(str(module)), own)


INTERNAL = {
    ("Host", "Talk"), ("LiveHost", "Talk"), ("LiveHost", "Entry"), ("LiveHost", "Machine"),
}  # fmt: skip
"""Members that are there for domcaps itself."""


class TestViews:
    @pytest.mark.parametrize(
        ("place", "views"),
        [
            (Place.TOP, view.TopViews),
            (Place.DEVICES, view.DeviceViews),
            (Place.FEATURES, view.FeatureViews),
        ],
    )
    def test_every_element_of_the_table_is_declared(self, place: Place, views: type) -> None:
        source = inspect.getsource(views)
        declared = set(re.findall(r"^        (\w+): SectionView", source, re.MULTILINE))
        assert declared == {e.name.replace("-", "_") for e in table() if e.place is place}

    def test_elements_inside_are_declared(self) -> None:
        from domcaps.language import Element

        def inside(element: Element) -> set[str]:
            found = [part for part in element.content if isinstance(part, Element)]
            return {one.name.replace("-", "_") for one in found}.union(*map(inside, found))

        source = inspect.getsource(view.SectionView)
        declared = set(re.findall(r"^        (\w+): SectionView", source, re.MULTILINE))
        assert declared == set().union(*(inside(element) for element in table()))


HANDED_ON = OPAQUE | {
    "Flags", "TopViews", "DeviceViews", "FeatureViews", "SectionViews", "Recording",
    "ExtendedCapabilities", "Severity", "Stage", "Truth",
    # described in the row of the member that gives them
    "NativeNote", "NativeNeed", "NativeOrigin", "TrialMessage", "TrialReplacement", "Counts",
    "AuditDifference", "BrokenPromise",
}  # fmt: skip
"""Types without a table of members."""


def results() -> list[type]:
    from domcaps.fleet import fleet

    public = [getattr(domcaps, name) for name in domcaps.__all__]
    return [
        kind
        for kind in (*public, fleet.Accepts, fleet.CountedReason, fleet.PairVerdict)
        if isinstance(kind, type)
        and not issubclass(kind, BaseException | domcaps.Host | dict)
        and kind.__name__ not in HANDED_ON
    ]


def members(kind: type) -> dict[str, str]:
    """Give the types of a class's public fields and properties, as the source writes them."""
    found: dict[str, str] = {}
    for base in kind.__mro__:
        if not base.__module__.startswith("domcaps"):
            continue
        tree = ast.parse(inspect.getsource(sys.modules[base.__module__]))
        (body,) = [
            n.body
            for n in ast.walk(tree)
            if isinstance(n, ast.ClassDef) and n.name == base.__name__
        ]
        for member in body:
            if isinstance(member, ast.AnnAssign):
                found[ast.unparse(member.target)] = ast.unparse(member.annotation)
            elif isinstance(member, ast.FunctionDef) and any(
                "property" in ast.unparse(one) for one in member.decorator_list
            ):
                assert member.returns is not None
                found[member.name] = ast.unparse(member.returns)
    return {name: text for name, text in found.items() if not name.startswith("_")}


def described(name: str) -> dict[str, str]:
    """Give the types of members in the table of a type in the manual."""
    head = f"| member of `{name}` | type | |\n|---|---|---|\n"
    assert MANUAL.count(head) == 1, f"docs/api-reference.md has no table of {name}"
    rows = MANUAL.partition(head)[2].partition("\n\n")[0].splitlines()
    cells = [row.split(" | ") for row in rows]
    return {cell[0].strip("| `"): cell[1].replace("`", "").strip() for cell in cells}


@pytest.mark.parametrize("kind", results(), ids=lambda kind: kind.__name__)
def test_every_member_of_a_result_is_in_the_manual_with_its_type(kind: type) -> None:
    stated = {n: text.replace(" | None", " or None") for n, text in members(kind).items()}
    assert described(kind.__name__) == stated


@pytest.mark.parametrize(
    "kind",
    [
        domcaps.NativeNote, domcaps.NativeNeed, domcaps.NativeOrigin, domcaps.TrialMessage,
        domcaps.TrialReplacement, domcaps.Counts, domcaps.AuditDifference, domcaps.BrokenPromise,
        domcaps.ExtendedCapabilities,
    ],
    ids=lambda kind: kind.__name__,
)  # fmt: skip
def test_other_members_are_named_in_the_manual(kind: type) -> None:
    assert not {name for name in members(kind) if f"`{name}`" not in MANUAL}


def test_what_methods_give_is_in_the_manual() -> None:
    rows = re.findall(
        r"^\| `(host|fleet)\.(?:\w+\.)?(\w+)\(.*?\)` \| (.*?) \|", MANUAL, re.MULTILINE
    )
    assert len(rows) > 20
    from domcaps.fleet.fleet import Fleet

    for owner, method, gives in rows:
        holders = (domcaps.LiveHost, RecordedEmulators) if owner == "host" else (Fleet,)
        function = next(getattr(one, method) for one in holders if hasattr(one, method))
        stated = inspect.unwrap(function).__annotations__["return"].replace(" | None", " or None")
        plain = gives.replace("`", "").replace("iterator of Accepts", "Iterator[Accepts]")
        plain = plain.replace("iterator of PairVerdict", "Iterator[PairVerdict]")
        if method != "add":  # what it gives is for domcaps itself
            assert plain == stated, method


def test_every_option_of_a_public_function_is_in_the_manual() -> None:
    for options in (domcaps.WishOptions, domcaps.TargetOptions):
        for name in options.__annotations__:
            assert re.search(rf"\b{name}=", MANUAL), f"docs/api-reference.md does not name {name}="


def test_defaults_in_the_manual_are_those_of_the_functions() -> None:
    for name, default in re.findall(r"(\w+)=((?:\"[^\"]*\")|None|True|False)", MANUAL):
        if name == "libvirt":
            assert default == '"auto"', default


class TestOpen:
    def test_what_the_command_line_takes(self, tmp_path: Path) -> None:
        name = domcaps.shipped_names()[0]
        assert domcaps.Host.open(f"shipped:{name}").origin == f"shipped:{name}"
        assert domcaps.Host.open("shipped:").origin.startswith("shipped:")
        assert isinstance(domcaps.Host.open("local"), domcaps.LiveHost)
        with pytest.raises(domcaps.UnsupportedTargetError, match=name):
            domcaps.Host.open("shipped:nonsense")
        with pytest.raises(domcaps.RecordingError, match="domcaps record"):
            domcaps.Host.open(tmp_path / "nothing.domcaps")
        with pytest.raises(domcaps.RecordingError, match=r"Host\.open\('shipped:x'\)"):
            domcaps.Host.load("shipped:x")


untyped: Any = domcaps


class TestSlips:
    """What a first program gets wrong, and the error that it gets."""

    @pytest.mark.parametrize(
        ("call", "told"),
        [
            (lambda host: host.validate("guest.xml"), "not the name of a file: 'guest.xml'"),
            (lambda host: host.validate(Path("guest.xml")), "not PosixPath"),
            (lambda host: host.repair(None), "not None"),
            (lambda host: host.explain_domain("a.xml"), "read the file"),
            (lambda host: host.native(Path("a")), "read the file"),
            (lambda host: host.choose(vido="qxl"), "choose() has no option 'vido'"),
            (lambda host: host.choose(grafics="vnc"), "did you mean 'graphics'?"),
            (lambda host: untyped.compare(host, host, machne="q35"), "did you mean 'machine'?"),
            (lambda host: untyped.compare(host, "other.domcaps"), "after must be a Host"),
            (lambda host: untyped.baseline([host, "b"]), "hosts[1] must be a Host"),
            (lambda host: untyped.choose_for(host), "hosts must be a list"),
        ],
    )
    def test_a_wrong_argument(self, host: domcaps.Host, call: Any, told: str) -> None:
        with pytest.raises(domcaps.WrongTypeError, match=re.escape(told)) as caught:
            call(host)
        assert isinstance(caught.value, TypeError)

    def test_a_code_that_there_is_not(self, host: domcaps.Host) -> None:
        with pytest.raises(domcaps.RequestError, match="disk-target-unknown"):
            host.validate(BAD, ignore=["disk-target-unknwn"])
        code = host.validate(BAD).findings[0].code
        for name in (code, code.partition("-")[0], f"*{code[3:]}"):
            assert code not in {one.code for one in host.validate(BAD, ignore=[name]).findings}

    def test_a_misspelt_element(self, host: domcaps.Host) -> None:
        devices = host.domain_capabilities().devices
        with pytest.raises(AttributeError, match="did you mean 'video'"):
            devices.vidoe  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(KeyError, match="did you mean 'video'"):
            devices["vidoe"]

    def test_a_misspelt_enum(self, host: domcaps.Host) -> None:
        with pytest.raises(domcaps.RequestError, match=r"did you mean video\.modelType\b"):
            host.explain("video.modeltype")

    @pytest.mark.parametrize(
        ("text", "near"), [("9", "9.10"), ("11.99", "11.10"), ("debian15", "debian1")]
    )
    def test_a_release_that_is_not_known(self, host: domcaps.Host, text: str, near: str) -> None:
        with pytest.raises(domcaps.UnknownDialectError, match=f"did you mean '{near}") as caught:
            host.domain_capabilities(libvirt=text)
        assert len(str(caught.value)) < 400


class TestWords:
    def test_enums_compare_with_their_texts(self, host: domcaps.Host) -> None:
        finding = host.validate(BAD).findings[0]
        assert finding.severity == "error"
        assert finding.stage == "define"
        assert f"{finding.severity}" == "error"
        assert host.explain("video.modelType=qxl")[0].truth == "no"
        assert domcaps.Severity("warning") is domcaps.Severity.WARNING

    def test_texts_are_readable(self, host: domcaps.Host) -> None:
        result = host.validate(BAD)
        assert str(result).splitlines()[0] == "refused"
        assert str(result.findings[0]) == (
            f"6:16: error: {result.findings[0].message} [video-model-type-unknown]"
        )
        caps = host.domain_capabilities()
        assert str(caps) == caps.xml
        assert "pc-" in repr(caps)
        assert "video.modelType=qxl: no" in str(host.explain("video.modelType=qxl")[0])
        assert "debian13" in repr(host)
        assert "video" in str(host.repair(LACKING))
        assert str(host.validate(ODD)).startswith("accepted\n")
        assert host.validate(GOOD).verdict == "accepted"


DISKS = ["/srv/a.qcow2,size=1GiB"]


def test_pins_give_the_same_guest_again(host: domcaps.Host) -> None:
    first = open_plain("debian12-x86_64").choose("web", graphics="vnc", disks=DISKS)
    assert first.pins["os.machine"].startswith("pc-q35-")
    again = host.choose("web", graphics="vnc", disks=DISKS, pinned=first.pins)
    assert not [note for note in again.notes if "pinned" in note]
    assert f'machine="{first.target.machine}"' in again.xml


class TestCompare:
    def test_two_hosts_and_a_domain(self, host: domcaps.Host) -> None:
        other = open_plain("debian12-x86_64")
        found = domcaps.compare(other, host, domain=LACKING)
        assert found.domain is not None
        assert (found.domain.before, found.domain.after) == ("accepted", "refused")
        assert "video.modelType" in str(found)
        assert "accepted before, refused after" in str(found)
        assert not found.is_same
        assert domcaps.compare(host, host, domain=GOOD).is_same
        assert domcaps.compare(host, host, machine="pc").domain is None

    def test_the_reports_are_for_the_target_of_the_domain(self, host: domcaps.Host) -> None:
        other = open_plain("debian12-x86_64")
        found = domcaps.compare(other, host, GOOD, for_domain=True)
        assert [target.machine for target in found.targets] == ["pc-q35-7.2", "pc-q35-7.2"]
        assert {target.virttype for target in found.targets} == {"qemu"}

    @pytest.mark.parametrize("name", ["debian12-x86_64", "debian13-s390x"])
    def test_no_report_is_compared_for_a_target_that_a_host_lacks(
        self, host: domcaps.Host, name: str
    ) -> None:
        found = domcaps.compare(host, open_plain(name), GOOD, for_domain=True)
        assert (found.differences, found.targets) == ((), ())
        assert found.domain is not None
        assert found.domain.before == "accepted"
        assert not found.is_same
        assert domcaps.compare(host, host, "<domain", for_domain=True).targets == ()

    def test_a_running_domain_keeps_its_version(self, host: domcaps.Host) -> None:
        older = open_plain("debian12-x86_64")
        forth = domcaps.compare(older, host, GOOD, for_domain=True)
        assert forth.domain is not None
        assert forth.domain.after == "accepted"
        assert "target" not in {change.kind for change in forth.domain.changes}
        back = domcaps.compare(host, older, GOOD, for_domain=True).domain
        assert back is not None
        assert (back.before, back.after, back.changes) == ("accepted", "refused", ())
        (finding,) = back.new
        assert finding.code == "os-machine-unsupported"
        assert "did you mean 'pc-q35-7.2'" in finding.message
        (lack,) = back.lacking
        assert (lack.finding, lack.had, lack.explanation) == (finding, True, None)
        # one that is started anew has another version
        assert domcaps.compare(host, older, GOOD).domain.after == "accepted"  # type: ignore[union-attr]

    def test_changes_are_all_rows_about_what_the_domain_uses(self) -> None:
        old, new = (domcaps.Host.open(f"shipped:debian{n}-x86_64") for n in (13, 12))
        devices = (
            "<cpu mode='custom'><model>EPYC-Genoa</model></cpu><devices>"
            "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>"
        )
        good = GOOD.replace("q35", "pc-q35-7.2")
        used = good.replace("<devices>", devices)
        found = domcaps.compare(old, new, used, for_domain=True)
        assert found.domain is not None
        choices = {change.choice for change in found.domain.changes}
        assert {"crypto", "crypto.model=virtio", "crypto.type=qemu"} <= choices
        assert "cpu.custom=EPYC-Genoa" in choices
        assert set(found.domain.changes) <= set(found.differences)
        assert {lack.path for lack in found.domain.lacking} == {"cpu.custom=EPYC-Genoa"}
        # paths of what is used are those of the differences
        used_there = {use.explanation.path for use in new.explain_domain(used).uses}
        assert {"cpu.custom=EPYC-Genoa", "crypto.model=virtio"} <= used_there
        for mode, has_it in (("host-passthrough", True), ("host-model", True), ("custom", False)):
            other = good.replace("<devices>", f"<cpu mode='{mode}'/><devices>")
            changed = domcaps.compare(old, new, other).domain
            assert changed is not None
            kinds = {change.kind for change in changed.changes}
            assert ("host CPU" in kinds) is has_it, mode

    def test_some_kinds_of_differences(self, host: domcaps.Host) -> None:
        found = domcaps.compare(open_plain("debian12-x86_64"), host, machine="q35")
        some = found.of_kind("value", "element")
        assert some == tuple(o for o in found.differences if o.kind in {"value", "element"})
        wrong: Any = "elment"
        with pytest.raises(domcaps.RequestError, match="no kind 'elment'"):
            found.of_kind(wrong)

    def test_a_target_of_a_domain_needs_a_domain(self, host: domcaps.Host) -> None:
        with pytest.raises(domcaps.RequestError, match="needs a domain"):
            domcaps.compare(host, host, for_domain=True)

    def test_what_a_difference_is_about(self, host: domcaps.Host) -> None:
        other = domcaps.Host.open("shipped:debian12-x86_64")
        found = domcaps.compare(other, domcaps.Host.open("shipped:debian13-x86_64"), machine="q35")
        kinds = {one.path: (one.kind, one.name) for one in found.differences}
        assert kinds["machine pc-q35-10.0"] == ("machine type", "pc-q35-10.0")
        assert kinds["machine q35"] == ("machine alias", "q35")
        assert kinds["panic.model=isa"] == ("value", "isa")
        assert kinds["panic"] == ("element", "panic")
        assert kinds["cpu.host-model feature erms"] == ("host CPU", "feature erms")
        assert kinds["cpu.custom model qemu64"] == ("CPU model", "qemu64")
        (model,) = (one for one in found.differences if one.path == "cpu.custom model qemu64")
        assert model.fields_before == {"usable": "no", "vendor": "unknown"}
        assert model.fields_after["canonical"] == "qemu64-v1"
        moved = domcaps.compare(other, host, GOOD.replace("q35", "pc")).domain
        assert moved is not None
        assert {change.kind for change in moved.changes} == {"target"}

    @pytest.mark.parametrize(
        ("path", "kind", "name"),
        [
            ("vcpu max", "figure", "vcpu max"),
            ("os.loader: /usr/share/a = b.fd", "value", "/usr/share/a = b.fd"),
            ("os.loader.secure=yes", "value", "yes"),
            ("cpu.host-model vendor", "host CPU", "vendor"),
        ],
    )
    def test_other_rows(self, path: str, kind: str, name: str) -> None:
        row = Difference(path, "1", "2")
        assert (row.kind, row.name, row.fields_before) == (kind, name, {})


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "inner").mkdir()
        (tmp_path / ".hidden").mkdir()
        for name, text in {
            "inner/good.xml": GOOD, "bad.xml": BAD, "lacking.xml": LACKING, "broken.xml": "<domain",
            "network.xml": "<network/>", ".hidden/bad.xml": BAD, "notes.txt": BAD,
        }.items():  # fmt: skip
            (tmp_path / name).write_text(text)
        (tmp_path / "link.xml").symlink_to(tmp_path / "bad.xml")
        return tmp_path

    def test_the_domains_in_a_folder_are_those_of_the_command(
        self, host: domcaps.Host, folder: Path
    ) -> None:
        found = host.validate_folder(folder)
        verdicts = {str(file.relative_to(folder)): one.verdict for file, one in found.items()}
        assert verdicts == {
            "bad.xml": "refused", "broken.xml": "refused", "inner/good.xml": "accepted",
            "lacking.xml": "refused",
        }  # fmt: skip
        assert list(verdicts) == sorted(verdicts)
        ignore = (code for code in ("video", "xml-malformed"))
        assert all(
            one.accepted for one in host.validate_folder(str(folder), ignore=ignore).values()
        )

    def test_they_are_counted(self, host: domcaps.Host, folder: Path) -> None:
        for name in ("twice", "again"):
            (folder / f"{name}.xml").write_text(BAD.replace("nobodys'/>", "nobodys'/><x/>"))
        found = domcaps.summarize(host.validate_folder(folder).values())
        assert (found.accepted, found.refused, found.not_started) == (1, 5, 0)
        most = found.codes[0]
        assert (most.code, most.severity) == ("video-model-type-unknown", domcaps.Severity.ERROR)
        assert (most.findings, most.domains) == (3, 3)
        assert (found.errors, found.warnings) == (5, 2)
        assert str(found).startswith("1 accepted, 5 refused: 5 errors, 2 warnings\nerror video-")
        assert domcaps.summarize([]).codes == ()

    def test_what_cannot_be_read_ends_nothing(self, host: domcaps.Host, folder: Path) -> None:
        (folder / "dangling.xml").symlink_to(folder / "nothing")
        os.mkfifo(folder / "pipe.xml")
        (folder / "dir.xml").mkdir()
        (folder / "dir.xml" / "good.xml").write_text(GOOD)
        (folder / "secret.xml").write_text(GOOD)
        (folder / "secret.xml").chmod(0)
        found = host.validate_folder(folder)
        unread = {file.name: reason for file, reason in found.unread.items()}
        assert unread.pop("secret.xml", "Permission denied") == "Permission denied"  # root reads it
        assert unread == {
            "dangling.xml": "No such file or directory", "pipe.xml": "is not a regular file",
        }  # fmt: skip
        assert [file.name for file in found.left_out] == ["network.xml"]
        assert folder / "dir.xml" / "good.xml" in found
        assert [file.name for file, one in found.items() if not one.is_xml] == ["broken.xml"]

    @pytest.mark.parametrize(
        ("text", "is_xml", "is_domain"),
        [
            ("<domain", False, False), ("", False, False), ("<network/>", True, False),
            ("<a>" * 5000 + "</a>" * 5000, False, False), ("<domain/>", True, True),
        ],
    )  # fmt: skip
    def test_what_a_document_is(
        self, host: domcaps.Host, text: str, is_xml: bool, is_domain: bool
    ) -> None:
        result = host.validate(text)
        assert (result.is_xml, result.is_domain) == (is_xml, is_domain)
        assert all(one.code.startswith("xml-") for one in result.findings if not is_xml)
        ignored = host.validate(text, ignore=["xml", "domain"])
        assert (ignored.is_xml, ignored.is_domain) == (is_xml, is_domain)

    def test_what_follows_from_an_assumption_is_not_counted(self, host: domcaps.Host) -> None:
        other = BAD.replace("machine='q35'", "machine='nonsense'")
        result = host.validate(other)
        assumed = [one for one in (*result.findings, *result.notices) if one.as_if]
        found = domcaps.summarize([result])
        assert found.assumed == len(assumed) > 0
        assert found.errors == len([one for one in result.errors if not one.as_if])
        assert repr(result).endswith(f"of {len(other)} bytes>")

    def test_what_is_no_folder(self, host: domcaps.Host, folder: Path) -> None:
        for name in ("none", "bad.xml"):
            with pytest.raises(domcaps.InputError, match=f"{name}: is not a folder"):
                host.validate_folder(folder / name)

    def test_results_must_be_validations(self, host: domcaps.Host) -> None:
        wrong: Any = host.validate(GOOD)
        with pytest.raises(domcaps.WrongTypeError, match="results must be a list"):
            domcaps.summarize(wrong)
        findings: Any = (one for one in ["accepted"])
        with pytest.raises(domcaps.WrongTypeError, match=r"results\[0\] must be a Validation"):
            domcaps.summarize(findings)


class TestCodes:
    def test_each_code_says_its_rule_in_plain_text(self) -> None:
        every = domcaps.codes()
        assert len(every) > 1000
        assert not [one.code for one in every if "``" in one.manual + one.title]
        assert all(one.title and one.manual and one.url for one in every)
        assert domcaps.code("xml-malformed") in every
        assert str(domcaps.code("xml-malformed")).startswith("xml-malformed: The document must be")
        assert not [
            one.code
            for one in every
            if str(one).startswith(f"{one.code}: {one.title}\n\n{one.title}\n")
        ]

    def test_a_code_of_a_finding(self, host: domcaps.Host) -> None:
        finding = host.validate(BAD).findings[0]
        info = domcaps.code(finding.code)
        assert (info.code, info.severity, info.stage) == (
            finding.code, finding.severity, finding.stage,
        )  # fmt: skip
        assert "<video>" in info.bad

    def test_a_code_that_there_is_not(self) -> None:
        with pytest.raises(domcaps.RequestError, match="did you mean video-model-type-unknown"):
            domcaps.code("video-model-type-unknwn")


class TestShortWays:
    def test_every_value_of_a_decision(self, host: domcaps.Host) -> None:
        chosen = domcaps.Host.open("shipped:debian13-x86_64").choose(
            "web", os="linux", graphics="vnc"
        )
        ranked = {one.value: one for one in chosen.ranked("video.modelType")}
        assert set(ranked) == {
            "", "none", "virtio", "qxl", "vga", "bochs", "cirrus", "ramfb", "vmvga",
        }  # fmt: skip
        assert next(iter(ranked)) == chosen.step("video.modelType").value
        # not proposed with VNC, but it can be set
        assert ranked["qxl"].is_possible
        assert "spice" in ranked["qxl"].why_not
        for value, one in ranked.items():
            if value and one.is_possible:
                settings = {"video.modelType": value}
                host13 = domcaps.Host.open("shipped:debian13-x86_64")
                assert host13.choose("web", os="linux", graphics="vnc", settings=settings)
        plain_chosen = host.choose("web", os="linux")
        qxl = next(o for o in plain_chosen.ranked("video.modelType") if o.value == "qxl")
        assert not qxl.is_possible
        assert "QEMU does not have the type 'qxl'" in str(qxl)
        for step in plain_chosen.steps:
            values = [one.value for one in plain_chosen.ranked(step.name)]
            assert step.value in values
            assert len(values) == len(set(values)), step.name
        with pytest.raises(domcaps.RequestError, match="did you mean"):
            chosen.ranked("video.modeltype")

    @pytest.mark.parametrize("arch", ["x86_64", "aarch64", "s390x", "ppc64"])
    def test_every_value_that_is_explained_is_ranked(self, arch: str) -> None:
        host = domcaps.Host.open(f"shipped:debian13-{arch}")
        chosen = host.choose("web", os="linux", use="desktop")
        target = chosen.target
        for name in ("video.modelType", "rng.model", "disk.bus"):
            if name not in {step.name for step in chosen.steps}:
                continue
            explained = host.explain(
                name, machine=target.machine, virttype=target.virttype, arch=target.arch
            )
            ranked = chosen.ranked(name)
            assert {one.value for one in explained} <= {one.value for one in ranked}, name
            assert all(one.is_possible or one.why_not for one in ranked), name

    def test_a_target_that_both_hosts_lack_is_lacking(self) -> None:
        old, new = (domcaps.Host.open(f"shipped:{one}-x86_64") for one in ("debian12", "sid"))
        text = (
            "<domain type='kvm'><name>a</name><memory>1048576</memory><os><type arch='{}' "
            "machine='{}'>hvm</type></os><devices><disk type='file'><source file='/a'/>"
            "<target dev='hda' bus='ide'/></disk></devices></domain>"
        )
        for arch, machine, code in (
            ("x86_64", "pc-q35-99", "os-machine-unsupported"),
            ("sparc", "SS-5", "os-arch-unsupported"),
        ):
            found = domcaps.compare(old, new, text.format(arch, machine), for_domain=True).domain
            assert found is not None
            (lack,) = found.lacking
            assert lack.finding is not None
            assert (lack.finding.code, lack.had) == (code, False)
            assert str(lack).endswith("(the first host lacks it, too)")
            assert found.validation_after.findings[0].code == code
            assert found.validation_before.verdict == found.before == "refused"

    def test_all_findings_are_of_the_domain_as_it_was_judged(self) -> None:
        old, new = (domcaps.Host.open(f"shipped:{one}-x86_64") for one in ("debian12", "sid"))
        text = (
            "<domain type='kvm'><name>a</name><memory>1048576</memory>"
            "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
        )
        here = domcaps.compare(new, old, text, for_domain=True).domain
        assert here is not None
        # the version that the alias stands for on the first host
        assert [one.code for one in here.validation_after.errors] == ["os-machine-unsupported"]
        assert domcaps.compare(new, old, text).domain != here

    def test_what_decides_is_not_denied_twice(self) -> None:
        old, new = (domcaps.Host.open(f"shipped:{one}-x86_64") for one in ("debian12", "sid"))
        found = domcaps.compare(old, new, machine="q35", virttype="kvm").differences
        because = [line for one in found for line in one.because]
        assert because
        assert not [
            line for line in because if "only: not true" in line or "host: not true" in line
        ]

    def test_a_machine_type_that_no_target_has(self) -> None:
        host = open_plain("debian13-aarch64")
        with pytest.raises(domcaps.UnmetWishesError) as caught:
            host.choose("web", machine="q35")
        (reason,) = caught.value.reasons
        assert "no machine type 'q35' (it has " in reason
        assert "(with" not in reason

    def test_a_value_that_no_report_lists(self, host: domcaps.Host) -> None:
        (found,) = host.explain("video.modelType=default")
        assert (found.truth, found.spoken, found.listed) == (domcaps.Truth.YES, False, False)
        assert (found.element, found.value) == ("video.modelType", "default")
        assert host.explain("video")[0].value == ""

    def test_one_step_by_its_name(self, host: domcaps.Host) -> None:
        chosen = host.choose("web", os="linux")
        assert chosen.step("video.modelType") in chosen.steps
        with pytest.raises(domcaps.RequestError, match=r"did you mean 'video\.modelType'"):
            chosen.step("video.modeltype")
        with pytest.raises(domcaps.RequestError, match=r"steps are os\.machine, "):
            chosen.step("")

    def test_what_the_report_lists(self, host: domcaps.Host) -> None:
        listed = {one.path for one in host.explain("video.modelType") if one.listed}
        values = host.domain_capabilities().devices.video.enums["modelType"]
        assert listed == {f"video.modelType={value}" for value in values}
        (unspoken,) = host.explain("hostdev.iommufd=no", libvirt="12.0")
        assert (unspoken.truth, unspoken.listed) == ("yes", unspoken.spoken)

    def test_what_is_left_of_a_repair_has_its_advice(self, host: domcaps.Host) -> None:
        arm = GOOD.replace("x86_64", "s390x").replace("q35", "s390-ccw-virtio")
        repair = host.repair(arm)
        assert repair.left == tuple(zip(repair.findings, repair.remedies, strict=True))
        assert len(repair.left) == 1
        assert domcaps.Repair(b"", b"", (), repair.findings).left == ((repair.findings[0], ()),)

    def test_the_place_of_a_change(self) -> None:
        assert domcaps.Change("a", "/domain", 5, "", "").place == 5
        assert domcaps.Change("a", "/domain", 5, "", "", after=7).place == 7


class TestWrongTypes:
    @pytest.mark.parametrize("option", ["disks", "cdroms", "networks", "shares", "settings"])
    def test_a_text_where_a_list_is_wanted(self, host: domcaps.Host, option: str) -> None:
        wishes: Any = {option: "/srv/a.qcow2"}
        with pytest.raises(domcaps.WrongTypeError, match=rf"write {option}=\['/srv/a.qcow2'\]"):
            host.choose("web", **wishes)

    def test_of_other_functions(self, host: domcaps.Host) -> None:
        with pytest.raises(TypeError, match="ignore"):
            host.validate(BAD, ignore="video-model-type-unknown")
        with pytest.raises(TypeError, match="paths"):
            host.domain_capabilities().without("video")
        wrong: Any = host
        with pytest.raises(TypeError, match="hosts must be a list"):
            domcaps.baseline(wrong)
        with pytest.raises(TypeError, match="hosts must be a list"):
            domcaps.choose_for("host.domcaps")  # type: ignore[arg-type]

    @pytest.mark.parametrize("memory", [4096, 0, -1, 2.5, True])
    def test_memory_that_means_no_bytes(self, host: domcaps.Host, memory: Any) -> None:
        with pytest.raises(domcaps.WrongTypeError, match="memory"):
            host.choose("web", memory=memory)

    def test_memory_in_bytes(self, host: domcaps.Host) -> None:
        assert ">2097152</memory>" in host.choose("web", memory=2 * 2**30).xml
        assert host.choose("web", memory=2 * 2**30).xml == host.choose("web", memory="2GiB").xml
