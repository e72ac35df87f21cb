"""``<seclabel>``: how the host's security drivers confine a guest, and what is its images' label.

::

    <seclabel type='static' model='dac' relabel='yes'>
      <label>107:107</label>
    </seclabel>

    <source file='/images/disk.img'>
      <seclabel model='dac' relabel='no'/>
    </source>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.changes.domain import SECLABEL_LABELLED, SECLABEL_LENIENT
from domcaps.language.fix import Fix
from domcaps.language.part import Part, field
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import YES_NO, OneOf

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_LONGEST_MODEL, _LONGEST_LABEL = 256, 4096
_LABELLED = frozenset({"serial", "parallel", "console", "channel"})


class Seclabel(Part):
    """How one security driver confines the guest."""

    path = "seclabel"
    knows = ("label", "imagelabel", "baselabel", "@labelskip")

    given_type = field("@type", OneOf(("dynamic", "static", "none")))
    relabel = field("@relabel", YES_NO)

    @property
    def type(self) -> str:
        """The kind of label, "" where nothing is said of it and libvirt made nothing of that."""
        lenient = libvirt_reads(self, SECLABEL_LENIENT)
        return self.given_type or ("dynamic" if lenient else "")

    @property
    def model(self) -> str | None:
        """The driver, None where it is the host's first."""
        return _model(self.node)

    @property
    def relabels(self) -> bool:
        """Whether the driver labels what the guest uses."""
        if self.model == "none":
            return False
        return self.relabel == "yes" if self.relabel else self.type in {"dynamic", ""}


class SourceSeclabel(Part):
    """The label of one thing that a guest uses."""

    knows = ("@labelskip",)

    relabel = field("@relabel", YES_NO)

    @property
    def model(self) -> str | None:
        """The driver."""
        return self.node.get("model")

    @property
    def has_label(self) -> bool:
        """Whether it has a label."""
        label = self.node.findtext("label")
        return bool(label) and len(label or "") <= _LONGEST_LABEL


class ImageSeclabel(SourceSeclabel):
    """The label of an image."""

    path = "devices/disk/source/seclabel"


class NvramSeclabel(SourceSeclabel):
    """The label of the image that firmware keeps its variables in.

    Its form is looked at with the rest of the source: see `boot.nvram_source`.
    """

    path = "os/nvram/source/seclabel"
    unread = frozenset({"nvram"})
    relabel = field("@relabel")

    @classmethod
    def is_read(cls, parent: Node) -> bool:
        """Tell whether libvirt looks for it: a store without a type has no source."""
        store = parent.getparent()
        return store is not None and store.get("type") is not None


class BackingSeclabel(SourceSeclabel):
    """The label of an image that another one is based on."""

    path = "devices/disk//backingStore/source/seclabel"


class DeviceSeclabel(Part):
    """The label of a character device's file or socket; its form is looked at with the device."""

    path = "devices/*/source/seclabel"


def _model(node: Node) -> str | None:
    model = node.get("model")
    return model if model is not None and len(model) <= _LONGEST_MODEL else None


_LABEL = "<label>0:0</label>"
_GOOD = f"<seclabel type='static' model='dac' relabel='yes'>{_LABEL}</seclabel>"
_IMAGE = "<disk type='file'><source file='/a'>{}</source><target dev='sda'/></disk>"
_GOOD_IMAGE = _IMAGE.format("<seclabel model='dac' relabel='no'/>")


@rule(
    "seclabel-relabel-conflict",
    Seclabel,
    bad="<seclabel type='dynamic' model='dac' relabel='no'/>",
    good=_GOOD,
)
def relabelling_fits_the_type(seclabel: Seclabel) -> Problems:
    """``<seclabel type='dynamic'>`` requires ``relabel='yes'``, and ``<seclabel type='none'>``
    ``relabel='no'``.
    """
    if seclabel.relabel == "no" and seclabel.type == "dynamic":
        yield problem("<seclabel type='dynamic'> requires relabel='yes'", seclabel, "@relabel")
    elif seclabel.relabel == "yes" and seclabel.type == "none":
        yield problem("<seclabel type='none'> requires relabel='no'", seclabel, "@relabel")


@rule(
    "seclabel-label-missing",
    Seclabel,
    bad="<seclabel type='static' model='dac'/>",
    good=_GOOD,
)
def static_labels_are_given(seclabel: Seclabel) -> Problems:
    """``<seclabel type='static'>`` needs a ``<label>``."""
    label = seclabel.node.findtext("label") or ""
    wanted = seclabel.type == "static" and seclabel.model != "none"
    if wanted and not 0 < len(label) <= _LONGEST_LABEL:
        yield problem("<seclabel type='static'> needs a <label>", seclabel)


@rule(
    "seclabel-model-missing",
    Seclabel,
    bad=f"<seclabel type='static'>{_LABEL}</seclabel>",
    good=_GOOD,
)
def drivers_are_named(seclabel: Seclabel) -> Problems:
    """``<seclabel>`` needs the attribute ``model`` if there are several, or if it has a ``<label>``
    or ``<baselabel>``.
    """
    labels = seclabel.domain.all(Seclabel)
    if seclabel.model is not None:
        return
    own = seclabel.type in {"static", ""} or (
        seclabel.type == "dynamic" and bool(seclabel.node.findtext("baselabel"))
    )
    if own or len(labels) > 1:
        yield problem(
            "<seclabel> needs the attribute 'model', such as 'selinux', 'apparmor' or 'dac'",
            seclabel,
        )


@rule(
    "seclabel-duplicate",
    Seclabel,
    bad=_GOOD * 2,
    good=_GOOD,
)
def drivers_are_named_once(seclabel: Seclabel) -> Problems:
    """A domain may have only one ``<seclabel>`` of each ``model``."""
    first = seclabel.domain.firsts(Seclabel, "model")[seclabel.model]
    if first.node is not seclabel.node:
        yield problem(
            f"the domain has two <seclabel> with model={seclabel.model!r}; remove one",
            seclabel,
            "@model",
        )


@rule(
    "source-seclabel-duplicate",
    SourceSeclabel,
    bad=_IMAGE.format("<seclabel model='dac' relabel='no'/>" * 2),
    good=_GOOD_IMAGE,
)
def drivers_label_images_once(label: SourceSeclabel) -> Problems:
    """A ``<source>`` may have only one ``<seclabel>`` of each ``model``."""
    before = label.node.itersiblings("seclabel", preceding=True)
    if label.model is not None and any(b.get("model") == label.model for b in before):
        again = Fix(without=("",))
        yield problem(
            f"the <source> has two <seclabel> of model {label.model!r}; remove one",
            label,
            "@model",
            fix=again,
        )


@rule(
    "source-seclabel-relabel-conflict",
    SourceSeclabel,
    bad=_IMAGE.format(f"<seclabel model='dac' relabel='no'>{_LABEL}</seclabel>"),
    good=_GOOD_IMAGE,
)
def labels_and_relabelling_agree(label: SourceSeclabel) -> Problems:
    """``<seclabel>`` of a ``<source>`` needs a ``<label>`` if it has ``relabel='yes'``, and cannot
    have one otherwise.
    """
    if label.relabel == "no" and label.has_label:
        yield problem(
            "with relabel='no' a <seclabel> cannot have a <label>; remove it", label, "@relabel"
        )
    elif label.relabel == "yes" and not label.has_label and libvirt_reads(label, SECLABEL_LABELLED):
        yield problem("with relabel='yes' a <seclabel> needs a <label>", label, "@relabel")


_OVERRIDE = _IMAGE.format(f"<seclabel model='dac'>{_LABEL}</seclabel>")


def _overrides(label: Part) -> Problems:
    model = label.node.get("model")
    tolerant = libvirt_reads(label, SECLABEL_LENIENT)
    if not model or (tolerant and label.node.get("relabel") == "no"):
        return
    for whole in label.domain.all(Seclabel):
        if whole.model == model and not whole.relabels:
            yield problem(
                f"<seclabel model={model!r}> of the domain has relabel='no', so this "
                "element cannot "
                "have a label of its own; remove this <seclabel>, or set relabel='yes' there",
                label,
            )


@rule(
    "source-seclabel-override-conflict",
    SourceSeclabel,
    bad="<seclabel type='none' model='dac'/><devices>" + _OVERRIDE + "</devices>",
    good=_GOOD + "<devices>" + _OVERRIDE + "</devices>",
)
def drivers_relabel_at_all(label: SourceSeclabel) -> Problems:
    """``<seclabel>`` of a ``<source>`` requires that the domain's ``<seclabel>`` of the same model
    does not have ``relabel='no'``.
    """
    yield from _overrides(label)


_SOCKET = (
    "<serial type='file'><source path='/tmp/a'>"
    f"<seclabel model='dac'>{_LABEL}</seclabel></source></serial>"
)


@rule(
    "device-seclabel-override-conflict",
    DeviceSeclabel,
    bad="<seclabel type='none' model='dac'/><devices>" + _SOCKET + "</devices>",
    good=_GOOD + "<devices>" + _SOCKET + "</devices>",
)
def drivers_relabel_devices_at_all(label: DeviceSeclabel) -> Problems:
    """``<seclabel>`` of a device cannot be combined with ``relabel='no'`` in the domain's
    ``<seclabel>`` of the same model.
    """
    source = label.node.getparent()
    device = None if source is None else source.getparent()
    if device is not None and device.tag in _LABELLED:
        yield from _overrides(label)
