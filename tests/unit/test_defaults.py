"""Each of libvirt's defaults stands once in the source, and every reader follows it."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import domcaps
from domcaps.elements.boards import defaults
from verdicts import Case, fine, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(domcaps.__file__).parent

# what only the definition of a default can contain: these strings within one function or table
SIGNATURES = {
    "network card": {"rtl8139", "e1000", "lan9118", "scm91c111", "virtio"},
    "display adapter": {"vga", "virtio", "cirrus"},
    "input bus": {"mouse", "keyboard", "passthrough", "ps2", "evdev", "type"},
    "panic device": {"pseries", "s390", "isa", "pvpanic"},
    "TPM": {"tpm-spapr", "tpm-tis", "model"},
    "USB controller": {"piix3-uhci", "pci-ohci", "qemu-xhci", "nec-xhci"},
}
# tables of every value that there is, which say nothing of a default
TABLES = {
    "MODEL_TYPE",
    "_BY_MODEL",
    "MODEL",
    "PREFERENCE",
    "SUBSTITUTES",
    "_MODEL_SUBSTITUTES",
    "MODELS",
    "USB_PORTS",
    "USB_DEVICES",
    "CARD_MODELS",
}


def blocks() -> Iterator[tuple[str, str, ast.AST]]:
    """Give every function and table of the source, with its file and name."""
    for path in sorted(ROOT.rglob("*.py")):
        module = parsed(path)
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef):
                yield str(path.relative_to(ROOT)), node.name, node
        for node in module.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                yield str(path.relative_to(ROOT)), ast.unparse(target), node


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Parse a file, once for all tests."""
    return ast.parse(path.read_text())


@functools.cache
def strings_of_blocks() -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Give the strings of every function and table, with file and name."""
    return tuple((file, name, frozenset(strings(node))) for file, name, node in blocks())


# values that depend on nothing: what is taken where a domain says nothing
PLAIN = {value for name, value in vars(defaults).items() if name.isupper() and type(value) is str}
# words for people, and numbers
SHOWN = {"0", "default", "left out", "none", "nothing", "the default", "there", "unknown", "–"}
# a text with another meaning than the default of the same spelling
OTHERWISE = {
    # the driver of a disk, the device of a video: not the engine of encryption
    ("elements/display/video_frontend.py", "qemu"),
    ("elements/storage/disk_driver.py", "qemu"),
    # <timer present>, <async-teardown enabled>, a value of a report without more to say
    ("elements/domain/clock_command_line.py", "yes"),
    ("elements/features/domain_features.py", "yes"),
    ("report/flat.py", "yes"),
    # the arguments of a QMP command that has none
    ("elements/index.py", "{}"),
    # the root of a document, a file's name
    ("elements/domain/general.py", "domain"),
    ("validate/catalogue/codes.py", "domain"),
    # the mode of Hyper-V enlightenments
    ("elements/features/hyperv_rules.py", "custom"),
    # the encoding of a document
    ("choose/text.py", "utf-8"),
    # what libvirt's <capabilities> print of features that guests may switch
    ("serve/xml/capabilities.py", "on"),
}
READERS = ("elements", "native", "choose", "validate", "report", "serve")


def taken_otherwise(node: ast.AST) -> Iterator[str]:
    """Give the texts that a piece of source takes where there is none."""
    for one in ast.walk(node):
        instead: list[ast.expr] = []
        if isinstance(one, ast.BoolOp) and isinstance(one.op, ast.Or):
            instead = [one.values[-1]]
        elif isinstance(one, ast.Call):
            called = ast.unparse(one.func)
            # the second argument of a reading is the attribute's name
            if (called.endswith(".get") and "reading" not in called) or called == "next":
                instead = one.args[1:]
            instead += [word.value for word in one.keywords if word.arg == "default"]
        for value in instead:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def test_texts_that_are_taken_where_there_is_none_are_found() -> None:
    source = (
        "a.get('x', 'raw'), b or 'pty', field('@x', default='ide'), next(c, 'd'), e('raw'), "
        "line.reading.get(node, 'x')"
    )
    assert sorted(taken_otherwise(ast.parse(source))) == ["d", "ide", "pty", "raw"]


def texts_taken_otherwise() -> list[tuple[str, str]]:
    """Give the texts that are taken where there is none, with the file of each."""
    return [
        (str(path.relative_to(ROOT)), value)
        for folder in READERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for value in taken_otherwise(parsed(path))
        if value and value not in SHOWN
    ]


def test_plain_defaults_are_named() -> None:
    """A reader takes the constant of `boards/defaults.py`, and none has a text of its own."""
    found = {one for one in texts_taken_otherwise() if one[1] in PLAIN}
    assert len(PLAIN) > 20
    assert found - OTHERWISE == set()


def test_no_default_is_stated_twice() -> None:
    """What two readers take where a domain says nothing has a name, whatever it is."""
    files = defaultdict(set)
    for file, value in texts_taken_otherwise():
        if (file, value) not in OTHERWISE:
            files[value].add(file)
    assert {value: found for value, found in files.items() if len(found) > 1} == {}


def strings(node: ast.AST) -> set[str]:
    """Give the strings of a piece of source."""
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and type(n.value) is str}


@pytest.mark.parametrize("what", SIGNATURES)
def test_a_default_stands_once(what: str) -> None:
    found = {
        file
        for file, name, texts in strings_of_blocks()
        if name not in TABLES and "command_line" not in file and texts >= SIGNATURES[what]
    }
    assert len(found) == 1, found


def calls(*names: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give every use of a predicate that names architectures or machine types, with its file."""
    for path in sorted((ROOT / "elements").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in names
            ):
                values = [a.value for a in node.args if isinstance(a, ast.Constant)]
                yield str(path.relative_to(ROOT)), (node.func.id, *sorted(map(str, values)))


def test_a_family_of_architectures_stands_once() -> None:
    """Two lists of the same architectures come apart: one of ARM had a member less."""
    places = defaultdict(list)
    for file, call in calls("arch"):
        if len(call) > 2:
            places[call].append(file)
    assert {call: files for call, files in places.items() if len(files) > 1} == {}


def test_a_family_of_machine_types_stands_once() -> None:
    """Each board is named in one file; `boards.fixed` lists many for what they were sold with."""
    places = defaultdict(set)
    for file, call in calls("machine"):
        if file == "elements/boards/fixed.py":
            continue
        for name in call[1:]:
            places[name].add(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_near_families_are_one() -> None:
    """No list of architectures contains another one but for the reason that it is built of it."""
    found = sorted({call[1:] for _, call in calls("arch") if len(call) > 2})
    near = [
        (one, other)
        for one in found
        for other in found
        if one != other and set(one) < set(other) and len(other) - len(one) == 1
    ]
    assert near == []


CARD = "<interface type='user'><model type='{}'/>{}</interface>"
ACPI = "<acpi index='3'/>"
CASES = [
    wrong("case does not matter for a card's model", CARD.format("VIRTIO", ACPI),
          "acpi-index-unsupported", arch="s390x", dialect="11.3"),
    wrong("as for one written in lower case", CARD.format("virtio", ACPI),
          "acpi-index-unsupported", arch="s390x", dialect="11.3"),
    wrong("libvirt's own card is one of virtio", f"<interface type='user'>{ACPI}</interface>",
          "acpi-index-unsupported", arch="s390x", dialect="11.3"),
    fine("case does not matter on PCI", CARD.format("Virtio", ACPI)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_cards_whatever_their_case(case: Case) -> None:
    assert case.found() == case.codes


@pytest.mark.parametrize("model", ["virtio", "usb-net", "spapr-vlan", "e1000e", "82540EM"])
@pytest.mark.parametrize("arch", ["x86_64", "s390x", "ppc64"])
def test_a_model_is_the_same_in_capitals(model: str, arch: str) -> None:
    def codes(name: str) -> frozenset[str]:
        inside = "<acpi index='3'/><rom bar='off'/>"
        return Case(CARD.format(name, inside), frozenset(), arch).found()

    assert codes(model) == codes(model.upper()) == codes(model.swapcase())


def test_defaults_have_conditions() -> None:
    """What is last is no default where its condition fails: callers get nothing then."""
    for table in (defaults.CARDS, defaults.VIDEOS, defaults.PANICS):
        assert all(name and when is not None for name, when in table)
