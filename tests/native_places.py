"""Places of domains in which a text may stand, and what QEMU reads of a command line.

A *place* is an attribute or a text, named by its path and by the architecture. Places are taken
from the samples of all codes and from domains of tests, so that those of new elements are added by
themselves.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

import domcaps
from domcaps.language.command_line import parts_of
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from native_domains import DOMAINS, with_devices
from native_texts import PLACES
from sample_hosts import sample_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.hosts.host import Host
    from domcaps.language.rule import Sample

TEXT = "#text"
_OWN = "{http://libvirt.org/schemas/domain/qemu/1.0}"
_NO_REMARKS = etree.XMLParser(remove_comments=True, remove_pis=True)
_RAW = frozenset({f"{_OWN}arg", f"{_OWN}env", f"{_OWN}property"})
"""Elements that stand for words of their own, or for variables: that is what they are for."""


class Place(NamedTuple):
    """Where a text stands in a domain; `number` is that of its element in the document."""

    name: str
    host: Host
    xml: str
    number: int
    attribute: str

    @property
    def text(self) -> str:
        """The text that stands there."""
        node = list(etree.fromstring(self.xml, _NO_REMARKS).iter())[self.number]
        return (node.text or "").strip() if self.attribute == TEXT else node.get(self.attribute, "")

    def with_text(self, text: str) -> str:
        """Give the domain with another text there."""
        root = etree.fromstring(self.xml, _NO_REMARKS)
        node = list(root.iter())[self.number]
        if self.attribute == TEXT:
            node.text = text
        else:
            node.set(self.attribute, text)
        return etree.tostring(root, encoding="unicode")


def words_of(host: Host, xml: str) -> tuple[str, ...] | None:
    """Give the command of a domain; None where it is refused as it should be."""
    try:
        return tuple(host.native(xml, "12.8", judge=False))
    except (domcaps.UntoldError, domcaps.DomainError, domcaps.UnsupportedTargetError):
        return None


def places() -> dict[str, Place]:
    """Give a domain that becomes a command for each place."""
    found: dict[str, Place] = {}
    for arch, machine, xml in _domains():
        host = sample_host(arch, "sid", machine)
        if host is None or not xml.isascii():
            continue
        new = [place for place in _places_in(arch, host, xml) if place.name not in found]
        if new and words_of(host, xml) is not None:
            found.update((place.name, place) for place in new)
    return found


def _places_in(arch: str, host: Host, xml: str) -> Iterator[Place]:
    try:
        root = etree.fromstring(xml, _NO_REMARKS)
    except etree.XMLSyntaxError:
        return
    for number, node in enumerate(root.iter()):
        if node.tag in _RAW or _is_metadata(node):
            continue
        kind = node.get("type") or node.get("model") or node.get("mode") or ""
        above = node.getparent()
        parent = "" if above is None else above.get("type", "")
        name = f"{arch} {root.getroottree().getelementpath(node)} {parent} {kind}"
        name = "".join(c for c in name if not c.isdigit() and c not in "[]")
        for attribute in map(str, node.attrib):
            yield Place(f"{name} {attribute}", host, xml, number, attribute)
        if (node.text or "").strip() or not len(node):
            yield Place(f"{name} {TEXT}", host, xml, number, TEXT)


def _is_metadata(node: etree._Element) -> bool:
    return any(one.tag == "metadata" for one in (node, *node.iterancestors()))


def _domains() -> Iterator[tuple[str, str, str]]:
    for xml in PLACES.values():
        yield "x86_64", "q35", with_devices(xml.replace("{0}", "abc"))
    for name, xml in DOMAINS.items():
        board = name.partition(",")[0]
        arch = {"virt": "aarch64", "s390x": "s390x", "pseries": "ppc64"}.get(board, "x86_64")
        yield arch, "", xml.replace("{dir}", "/dir")
    for sample in _samples():
        yield sample.arch, sample.machine, domain_of(sample)


def _samples() -> Iterator[Sample]:
    for of_part in rules().values():
        for rule in of_part:
            yield from filter(None, (rule.good, rule.bad))
    for code in codes().values():
        yield from filter(None, (code.good, code.bad))


# -- what QEMU reads -----------------------------------------------------------------------------

_ALONE = frozenset({
    "-S", "-no-user-config", "-nodefaults", "-no-reboot", "-no-shutdown", "-no-acpi", "-no-hpet",
    "-no-fd-bootchk", "-mem-prealloc", "-nographic", "-enable-fips", "-snapshot", "-daemonize",
})  # fmt: skip
"""Options without a value."""
_WORD = frozenset({"-append", "-kernel", "-initrd", "-dtb", "-shim", "-bios", "-k", "-uuid", "-L"})
"""Options whose value is one text, whatever is in it."""


def shape(words: tuple[str, ...]) -> list[tuple[str, object]]:
    """Give what QEMU makes of words, without the values: options, and the names of their parts."""
    found: list[tuple[str, object]] = []
    rest = list(words[:0:-1])
    while rest:
        option = rest.pop()
        assert option.startswith("-"), (option, words)
        if option in _ALONE:
            found.append((option, None))
        else:
            found.append((option, _parts(option, rest.pop())))
    return found


def _parts(option: str, word: str) -> object:
    assert "\0" not in word
    if option in _WORD:
        return None
    if word.startswith("{"):
        return _names(json.loads(word))
    # the options of a CPU are divided by strtok(): a comma is never a part of a value
    parts = [one for one in word.split(",") if one] if option == "-cpu" else parts_of(word)
    return [_name(part, is_first=not number) for number, part in enumerate(parts)]


def _name(part: str, *, is_first: bool) -> str:
    name, separator, _ = part.partition("=")
    if separator:
        return name
    # what stands without a name is the first value, or a switch
    return "" if is_first and part not in {"help", "?"} else part


def _names(value: object) -> object:
    if isinstance(value, dict):
        return {name: _names(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_names(inner) for inner in value]
    return None
