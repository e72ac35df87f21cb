"""A video model is one line, with a record beside it where it has more than the usual."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domcaps.elements.display import video
from domcaps.elements.display.video import MODELS, VideoModel, device_named, model_named
from domcaps.language import Choice
from domcaps.language.qemu_args import QemuArgs
from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host


@pytest.fixture
def hologram(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a model with a size of memory and several screens."""
    line = Choice("hologram", qemu_args=QemuArgs("-device hologram-vga"))
    added = replace(video.MODEL_TYPE, choices=(*video.MODEL_TYPE.choices, line))
    monkeypatch.setattr(video, "MODEL_TYPE", added)
    record = VideoModel((("vram", "depth_mb", 2048),), screens=True)
    monkeypatch.setitem(MODELS, "hologram", record)


def native(xml: str) -> str:
    sample = Sample(xml, arch="x86_64", machine="q35")
    host = sample_host("x86_64", "sid", "q35")
    assert host is not None
    return " ".join(host.native(domain_of(sample), "12.8"))


@pytest.mark.usefixtures("hologram")
def test_a_new_model_is_written_with_what_it_has() -> None:
    xml = "<video><model type='hologram' heads='2' vram='4096'/></video>"
    line = native(xml)
    assert "-device hologram-vga,max_outputs=2,depth_mb=4," in line


def test_a_record_is_of_a_model_that_libvirt_knows() -> None:
    assert set(MODELS) <= {choice.name for choice in video.MODEL_TYPE.choices}
    assert model_named("cirrus") == VideoModel()


def test_the_device_is_the_one_that_a_proof_starts() -> None:
    assert device_named("vmvga") == "vmware-svga"
    # which of several depends on the machine
    assert device_named("virtio") == ""
    assert device_named("none") == device_named("nonsense") == ""
