"""``<sound>``: a sound card of the guest.

::

    <sound model='ich9'>
      <codec type='micro'/>
      <audio id='1'/>
    </sound>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.display.audio import audio_ids, wanted_audio
from domcaps.language import Choice, Enum
from domcaps.language.attributes import Attributes
from domcaps.language.changes.display import AUDIO_CHECKED, SOUND_VIRTIO
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, Substitutes
from domcaps.language.observed import device
from domcaps.language.part import Part, field
from domcaps.language.preference import Decision, Option, drives
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, POSITIVE, YES_NO, OneOf, Text

SUBSTITUTES = Substitutes(
    "devices/sound/@model",
    order={
        "ich6": ("ich9", "ac97", "virtio"),
        "ich9": ("ich6", "ac97", "virtio"),
        "ac97": ("ich9", "ich6", "es1370"),
        "es1370": ("ac97", "ich9"),
        "sb16": ("ac97", "es1370"),
        "virtio": ("ich9", "usb"),
        "usb": ("ich9", "virtio"),
        "*": ("ich9", "ich6", "ac97"),
    },
    slips={"hda": "ich9", "intel-hda": "ich6", "ich9-intel-hda": "ich9", "sb": "sb16"},
)


MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("sb16"),
        Choice("es1370"),
        Choice("pcspk"),
        Choice("ac97"),
        Choice("ich6"),
        Choice("ich9", device("ich9-intel-hda")),
        Choice("usb", device("usb-audio")),
        Choice("virtio", device("virtio-sound-pci", "virtio-sound-device"), since=SOUND_VIRTIO),
    ),
)
# libvirt lists both for every emulator
_ICH6, _AC97 = device("intel-hda"), device("AC97")
_HEARD = (("graphics.type", ("spice",)),)

PREFERENCE = Decision(
    "sound.model",
    MODEL,
    order=110,
    title="the sound card",
    xml="<sound model='{value}'/>",
    options=(
        Option("ich9", "the card of PCI Express", given=_HEARD, guest=drives("ich9-hda")),
        Option(
            "ich6",
            "most guests can drive it",
            when=_ICH6,
            given=_HEARD,
            guest=drives("ich6"),
        ),
        Option(
            "ac97",
            "old guests can drive it",
            when=_AC97,
            given=_HEARD,
            guest=drives("ac97"),
        ),
        Option("", "there is no way to hear it"),
        Option("ich9", "what is left"),
        Option("ich6", "what is left", when=_ICH6),
        Option("ac97", "what is left", when=_AC97),
        Option("virtio", "what is left"),
        Option("usb", "what is left"),
    ),
)

CODECS = {
    "duplex": device("hda-duplex"),
    "micro": device("hda-micro"),
    "output": device("hda-output"),
}
_CODEC = Attributes({"type": OneOf(tuple(CODECS))}, required=("type",))
_WITH_CODECS = frozenset({"ich6", "ich9"})
_MULTICHANNEL = Attributes({"multichannel": YES_NO})
_STREAMS = Attributes({"streams": POSITIVE})


class Sound(VirtioOptions, Device):
    """A sound card."""

    path = "devices/sound"

    model = field("@model", choice=MODEL, required=True)
    iommu = field("driver/@iommu", ON_OFF, since=SOUND_VIRTIO)
    ats = field("driver/@ats", ON_OFF, since=SOUND_VIRTIO)
    packed = field("driver/@packed", ON_OFF, since=SOUND_VIRTIO)
    page_per_vq = field("driver/@page_per_vq", ON_OFF, since=SOUND_VIRTIO)

    @property
    def is_virtio(self) -> bool:
        """Whether it is a virtio device."""
        return self.model == "virtio"


class SoundAudio(Part):
    """The audio backend through which a sound card is heard."""

    path = "devices/sound/audio"

    id = field(
        "@id",
        POSITIVE,
        strict=AUDIO_CHECKED,
        before=Text(r"[+-]?0*[1-9][0-9]{0,9}"),
        required=True,
        expected="the id of an <audio> of the domain, such as '1'",
    )


@rule(
    "sound-attribute-invalid",
    Sound,
    bad="<sound model='virtio' streams='0'/>",
    good="<sound model='virtio' streams='2'/>",
)
def attributes_have_their_form(sound: Sound) -> Problems:
    """The attributes that ``<sound>`` has for its ``model`` must have valid values; those for other
    models are ignored.
    """
    if sound.model == "usb":
        yield from _MULTICHANNEL.problems(sound.node)
    elif sound.model == "virtio":
        yield from _STREAMS.problems(sound.node)


@rule(
    "sound-codec-invalid",
    Sound,
    bad="<sound model='ich6'><codec type='stereo'/></sound>",
    good="<sound model='ich6'><codec type='duplex'/></sound>",
)
def codecs_are_known(sound: Sound) -> Problems:
    """Attribute ``type`` of ``<codec>`` in ``<sound>`` must be ``duplex``, ``micro`` or ``output``,
    and QEMU must have that codec.
    """
    if sound.model not in _WITH_CODECS:
        return
    for codec in sound.find_all("codec"):
        yield from _CODEC.problems(codec)
        kind = codec.get("type", "")
        if kind in CODECS:
            yield from needs(
                Part(codec, sound.domain),
                CODECS[kind],
                f"this QEMU does not have the codec hda-{kind}",
                "@type",
            )


@rule(
    "sound-audio-missing",
    Sound,
    bad="<sound model='ac97'><audio id='2'/></sound>",
    good="<sound model='ac97'><audio id='2'/></sound><audio id='2' type='none'/>",
    since=AUDIO_CHECKED,
)
def audio_exists(sound: Sound) -> Problems:
    """``<audio>`` in ``<sound>`` must have the ``id`` of an ``<audio>`` device that the domain
    defines.
    """
    wanted = wanted_audio(sound)
    if wanted and wanted not in audio_ids(sound.domain):
        backend = Fix(add=f"<devices><audio id='{wanted}' type='none'/></devices>")
        yield problem(
            f"the domain has no <audio> with id='{wanted}'; add one, or use the id of another",
            sound,
            "audio/@id",
            fix=backend,
        )


@rule(
    "sound-audio-missing-at-start",
    Sound,
    bad="<graphics type='sdl'/><sound model='ac97'/>",
    good=Sample("<graphics type='sdl'/><sound model='ac97'/><audio id='1' type='sdl'/>"),
    stage=Stage.START,
    fix=Fix(add="<devices><audio id='1' type='none'/></devices>"),
)
def some_audio_exists(sound: Sound) -> Problems:
    """A ``<sound>`` device needs an ``<audio>`` backend at start."""
    if not wanted_audio(sound) and not audio_ids(sound.domain):
        yield problem("<sound> needs an <audio> backend; add <audio id='1' type='none'/>", sound)
