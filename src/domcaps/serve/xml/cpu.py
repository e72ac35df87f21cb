"""``<cpu>`` as clients send it, a host's or a guest's, and as answers have it.

Source: libvirt's documents *Domain XML* and *Driver capabilities*; which mistake has which class of
error was observed.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import msgspec

from domcaps.elements.boards.defaults import CPU_MATCH, CPU_MODE, CPU_POLICY
from domcaps.facts.arch import ARCHITECTURES
from domcaps.serve.errors import ErrorNumber, LibvirtError
from domcaps.serve.xml.documents import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Node

_POLICIES = frozenset({"force", "require", "optional", "disable", "forbid"})
_MODES = frozenset({"custom", "host-model", "host-passthrough", "maximum"})
_WHOLE = frozenset({"host-passthrough", "maximum"})
_MATCHES = frozenset({"exact", "strict", "minimum"})

_NAMES = {
    "cpu": {"mode", "match", "check", "migratable", "deprecated_features"},
    "arch": set(),
    "model": {"fallback", "vendor_id"},
    "vendor": set(),
    "microcode": {"version"},
    "signature": {"family", "model", "stepping"},
    "counter": {"name", "frequency", "scaling"},
    "topology": {"sockets", "dies", "clusters", "cores", "threads"},
    "cache": {"level", "mode"},
    "maxphysaddr": {"mode", "bits", "limit"},
    "feature": {"name", "policy"},
    "pages": {"unit", "size"},
    "numa": set(),
}
"""Elements of ``<cpu>``, and it, with their attributes."""


class CpuKind(enum.Enum):
    """Whose CPU is described: a host's has an architecture, and features without policies."""

    HOST = "host"
    EITHER = "either"


class Described(msgspec.Struct, frozen=True):
    """A ``<cpu>``: model, vendor, and features with their policies.

    `arch` is there for a host's only, all features of which are required. `limit` is that of
    ``<maxphysaddr>``, 0 for none.
    """

    arch: str = ""
    mode: str = "custom"
    match: str = "exact"
    model: str = ""
    vendor: str = ""
    features: tuple[tuple[str, str], ...] = ()
    limit: int = 0


def read_cpu(xml: str | bytes, kind: CpuKind = CpuKind.EITHER) -> Described:
    """Read a ``<cpu>`` element; raises `LibvirtError`."""
    root = parse(xml)
    if root.tag != "cpu":
        raise LibvirtError(ErrorNumber.XML_ERROR, f"<cpu> is wanted, not <{root.tag}>")
    is_host = kind is CpuKind.HOST or root.find("arch") is not None
    if is_host and kind is not CpuKind.HOST and root.get("match") is not None:
        raise LibvirtError(
            ErrorNumber.XML_ERROR, "<arch> belongs to a host's CPU, @match to a guest's"
        )
    found = _host(root) if is_host else _guest(root)
    if found.vendor and not found.model:
        raise LibvirtError(ErrorNumber.XML_ERROR, "a CPU with a vendor needs a model")
    features = _features(root, is_host=is_host)
    if features and not found.model and found.mode == "custom":
        raise LibvirtError(ErrorNumber.XML_ERROR, "a CPU with features needs a model")
    return msgspec.structs.replace(found, features=features, limit=_limit(root))


def check_names(xml: str | bytes) -> None:
    """Refuse elements and attributes that ``<cpu>`` does not have; raises `LibvirtError`.

    This is what libvirt's schema is most often asked for. Values are looked at in any case.
    """
    root = parse(xml)
    for node in (root, *root):
        if not isinstance(node.tag, str):
            continue
        allowed = _NAMES.get(node.tag)
        if allowed is None:
            raise LibvirtError(ErrorNumber.XML_INVALID_SCHEMA, f"<cpu> has no <{node.tag}>")
        for name in node.attrib:
            if name not in allowed:
                raise LibvirtError(ErrorNumber.XML_INVALID_SCHEMA, f"<{node.tag}> has no @{name!s}")


def _host(root: Node) -> Described:
    if root.get("mode") is not None:
        raise LibvirtError(ErrorNumber.CONFIG_UNSUPPORTED, "a host's CPU has no mode")
    arch = root.findtext("arch") or ""
    if not arch:
        raise LibvirtError(ErrorNumber.XML_ERROR, "a host's CPU needs an architecture")
    if arch not in ARCHITECTURES:
        raise LibvirtError(ErrorNumber.CONFIG_UNSUPPORTED, f"no architecture is called {arch!r}")
    model = root.findtext("model") or ""
    if not model:
        raise LibvirtError(ErrorNumber.XML_ERROR, "a host's CPU needs a model")
    return Described(arch=arch, model=model, vendor=root.findtext("vendor") or "")


def _guest(root: Node) -> Described:
    mode, match = root.get("mode") or CPU_MODE, root.get("match") or CPU_MATCH
    if mode not in _MODES:
        raise LibvirtError(ErrorNumber.CONFIG_UNSUPPORTED, f"a CPU knows no mode {mode!r}")
    if root.get("migratable") is not None and mode not in _WHOLE:
        raise LibvirtError(
            ErrorNumber.CONFIG_UNSUPPORTED, f"@migratable has no meaning with mode {mode!r}"
        )
    if match not in _MATCHES:
        raise LibvirtError(ErrorNumber.XML_ERROR, f"a CPU knows no match {match!r}")
    node = root.find("model")
    fallback = node.get("fallback") if node is not None and mode not in _WHOLE else None
    if fallback not in {None, "allow", "forbid"}:
        raise LibvirtError(
            ErrorNumber.CONFIG_UNSUPPORTED, f"a CPU model knows no fallback {fallback!r}"
        )
    return Described(
        mode=mode,
        match=match,
        model=root.findtext("model") or "",
        vendor=root.findtext("vendor") or "",
    )


def _features(root: Node, *, is_host: bool) -> tuple[tuple[str, str], ...]:
    features: dict[str, str] = {}
    for node in root.iterfind("feature"):
        policy = CPU_POLICY if is_host else node.get("policy") or CPU_POLICY
        if policy not in _POLICIES:
            raise LibvirtError(
                ErrorNumber.CONFIG_UNSUPPORTED, f"a CPU feature knows no policy {policy!r}"
            )
        name = node.get("name") or ""
        if not name:
            raise LibvirtError(ErrorNumber.XML_ERROR, "a CPU feature needs a name")
        if name in features:
            raise LibvirtError(ErrorNumber.XML_ERROR, f"the CPU feature {name!r} is there twice")
        features[name] = policy
    return tuple(features.items())


def _limit(root: Node) -> int:
    text = next((node.get("limit") or "" for node in root.iterfind("maxphysaddr")), "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class Baseline(msgspec.Struct, frozen=True):
    """A CPU that many hosts can give; `features` are pairs of a name and a policy.

    Without a `fallback` it is written as a host's, and its features have no policies.
    """

    model: str
    vendor: str
    fallback: str
    features: tuple[tuple[str, str], ...] = ()
    limit: int = 0

    @property
    def xml(self) -> str:
        """``<cpu>`` as libvirt writes it."""
        is_host = not self.fallback
        lines = ["<cpu>" if is_host else "<cpu mode='custom' match='exact'>"]
        fallback = "" if is_host else f" fallback='{self.fallback}'"
        lines.append(f"  <model{fallback}>{_escaped(self.model)}</model>")
        if self.vendor:
            lines.append(f"  <vendor>{_escaped(self.vendor)}</vendor>")
        if self.limit:
            lines.append(f"  <maxphysaddr mode='passthrough' limit='{self.limit}'/>")
        lines += _written(self.features)
        return "\n".join([*lines, "</cpu>", ""])


def _written(features: Iterable[tuple[str, str]]) -> list[str]:
    return [
        f"  <feature policy='{policy}' name='{name}'/>" if policy else f"  <feature name='{name}'/>"
        for name, policy in features
    ]


def _escaped(text: str) -> str:
    return escape(text, {"'": "&apos;", '"': "&quot;"})
