"""The form of what is said of a character device's source, by its type.

::

    <source mode='bind' host='127.0.0.1' service='2445' tls='yes'/>
"""

from __future__ import annotations

from domcaps.elements.characters.chardev import CharacterDevice, CharacterSource
from domcaps.language.attributes import Attributes
from domcaps.language.changes.domain import SECLABEL_LABELLED
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import ON_OFF, UNSIGNED, YES_NO, OneOf

_MODE = OneOf(("connect", "bind"))
_SOURCE = {
    "file": Attributes({"append": ON_OFF}),
    "udp": Attributes({"mode": _MODE}),
    "tcp": Attributes({"mode": _MODE, "tls": YES_NO}),
    "unix": Attributes({"mode": _MODE}),
}
_RECONNECT = Attributes({"enabled": YES_NO})
_TIMEOUT = Attributes({"timeout": UNSIGNED}, required=("timeout",))
_CLIPBOARD = Attributes({"copypaste": YES_NO}, required=("copypaste",))
_MOUSE = Attributes({"mode": OneOf(("server", "client"))}, required=("mode",))
_SECLABEL = Attributes({"relabel": YES_NO})
_LOG = Attributes({"append": ON_OFF})
_PROTOCOL = Attributes({"type": OneOf(("raw", "telnet", "telnets", "tls"))})


@rule(
    "chardev-source-count",
    CharacterSource,
    bad="<serial type='file'><source path='/tmp/a'/><source path='/tmp/b'/></serial>",
    good="<serial type='udp'><source mode='bind' service='1'/>"
    "<source mode='connect' service='2'/></serial>",
)
def one_source(part: CharacterSource) -> Problems:
    """A character device may have at most one ``<log>``, one ``<protocol>``, and (except type
    ``udp``) one ``<source>``.

    A device with ``type='udp'`` may have two ``<source>``.
    """
    if not part.source_type:
        return
    most = 2 if part.source_type == "udp" else 1
    for tag, allowed in (("source", most), ("log", 1), ("protocol", 1)):
        for extra in part.find_all(tag)[allowed:]:
            yield problem(
                f"a character device of type={part.source_type!r} may have at most {allowed} "
                f"<{tag}>; remove this one",
                extra,
            )


@rule(
    "chardev-source-invalid",
    CharacterSource,
    bad="<serial type='unix'><source mode='listen' path='/tmp/s'/></serial>",
    good="<serial type='unix'><source mode='bind' path='/tmp/s'/></serial>",
)
def source_has_its_form(part: CharacterSource) -> Problems:
    """``<source>`` of a character device must have valid values for the type of the device.

    Attributes of other types are ignored.
    """
    kind = part.source_type
    if not kind:
        return
    for source in part.find_all("source")[: 2 if kind == "udp" else 1]:
        if kind in _SOURCE:
            yield from _SOURCE[kind].problems(source)
        if kind in {"tcp", "unix"}:
            reconnect = source.find("reconnect")
            yield from _RECONNECT.problems(reconnect)
            if reconnect is not None and reconnect.get("enabled") == "yes":
                yield from _TIMEOUT.problems(reconnect)
        elif kind == "qemu-vdagent":
            yield from _CLIPBOARD.problems(source.find("clipboard"))
            yield from _MOUSE.problems(source.find("mouse"))


@rule(
    "chardev-seclabel-invalid",
    CharacterSource,
    bad="<serial type='unix'><source mode='bind' path='/tmp/s'>"
    "<seclabel model='dac' relabel='yes'/></source></serial>",
    good="<serial type='unix'><source mode='bind' path='/tmp/s'>"
    "<seclabel model='dac' relabel='no'/></source></serial>",
)
def labels_have_their_form(part: CharacterSource) -> Problems:
    """``<source>`` may have one ``<seclabel>`` for each model, which needs a ``<label>`` exactly if
    it has ``relabel='yes'``.
    """
    if not isinstance(part, CharacterDevice):
        return
    models = set()
    for node in part.find_all("source/seclabel"):
        model, label, relabel = node.get("model"), node.find("label"), node.get("relabel")
        yield from _SECLABEL.problems(node)
        if model is not None and model in models:
            yield problem(
                f"the <source> has two <seclabel> of model {model!r}; remove one", node, "@model"
            )
        models.add(model)
        labelled = label is not None and bool(label.text)
        wrong = "no" if labelled else "yes"
        if relabel == wrong and (labelled or libvirt_reads(part, SECLABEL_LABELLED)):
            yield problem(
                "a <seclabel> with relabel='no' cannot have a <label>; remove the <label>"
                if labelled
                else "a <seclabel> with relabel='yes' needs a <label>; add one, or set "
                "relabel='no'",
                node,
                "@relabel",
            )


@rule(
    "chardev-log-invalid",
    CharacterSource,
    bad="<serial type='pty'><log file='/tmp/log' append='yes'/></serial>",
    good="<serial type='pty'><log file='/tmp/log' append='on'/></serial>",
)
def log_has_its_form(part: CharacterSource) -> Problems:
    """Attribute ``append`` of ``<log>`` must be ``on`` or ``off``, and ``type`` of ``<protocol>``
    must be a known protocol, such as ``raw``.
    """
    if part.source_type:
        yield from _LOG.problems(part.find("log"))
    if part.source_type == "tcp":
        yield from _PROTOCOL.problems(part.find("protocol"))


@rule(
    "chardev-nmdm-incomplete",
    CharacterSource,
    bad="<serial type='nmdm'><source master='/dev/nmdm0A'/></serial>",
    good="<serial type='pty'/>",
)
def null_modems_have_two_ends(part: CharacterSource) -> Problems:
    """``<source>`` of a character device of type ``nmdm`` needs the attributes ``master``
    and ``slave``.
    """
    ends = [part.source_attribute("master"), part.source_attribute("slave")]
    if part.source_type == "nmdm" and part.counts and ends.count(None) == 1:
        yield problem(
            "type='nmdm' needs the attributes 'master' and 'slave' of <source>, such as "
            "master='/dev/nmdm0A' slave='/dev/nmdm0B'",
            part,
            "source",
        )
