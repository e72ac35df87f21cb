"""The same document for the same facts is validated once, and never is an old verdict given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.named_files import FileState
from domcaps.recent import Recent
from domcaps.shipped import open_shipped
from domcaps.validate import check
from domcaps.validate.memo import verdicts
from without_memo import validate_without_memo

if TYPE_CHECKING:
    from domcaps import Host
    from domcaps.validate.check import Validation

DOMAIN = """<domain type='kvm'><name>a</name><memory>1048576</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices>{}</devices></domain>"""
VIDEO = DOMAIN.format("<video><model type='{}'/></video>")
DISK = DOMAIN.format(
    "<disk type='file'><source file='/images/a.raw'/><target dev='vda' bus='virtio'/></disk>"
)
DOCUMENTS = [
    VIDEO.format("virtio"),
    VIDEO.format("colour"),
    VIDEO.format("virtio").replace("q35", "q3"),
    VIDEO.format("virtio").replace("<name>", "<title/><title/><name>"),
    VIDEO.format("virtio").replace("<video>", "<!-- domcaps: ignore nothing --><video>"),
    VIDEO.format("virtio").replace("type='kvm'", ""),
    DISK,
    "<domain>",
    "<network/>",
    "",
]


@pytest.fixture(autouse=True)
def validated(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give the documents that were validated, with nothing kept at first."""
    found: list[bytes] = []

    def noting(data: bytes, *given: Any, **named: Any) -> Validation:
        found.append(data)
        return check.validate(data, *given, **named)

    monkeypatch.setattr(verdicts, "validate", noting)
    monkeypatch.setattr(verdicts, "_verdicts", Recent(verdicts.MOST_BYTES))
    monkeypatch.setattr(verdicts, "_targets", Recent(verdicts.MOST_BYTES))
    return found


@pytest.fixture
def host() -> Host:
    return open_shipped("sid-x86_64")


def test_a_document_is_validated_once(host: Host, validated: list[bytes]) -> None:
    found = [host.validate(VIDEO.format("colour")) for _ in range(3)]
    assert found[0] == found[1] == found[2] and not found[0].accepted
    assert len(validated) == 1


@pytest.mark.parametrize("text", DOCUMENTS)
def test_it_is_the_verdict_without_memory(host: Host, text: str) -> None:
    plain = validate_without_memo(host, text.encode())
    for _ in range(3):
        assert host.validate(text) == plain


def test_options_and_facts_are_told_apart(host: Host, validated: list[bytes]) -> None:
    text = VIDEO.format("colour")
    code = host.validate(text).findings[0].code
    assert host.validate(text, ignore=[code]).accepted
    assert not host.validate(text, new=False).accepted
    assert not host.validate(text, schema=True).accepted
    assert not host.validate(text, "9.0").accepted
    assert not open_shipped("debian13-x86_64").validate(text).accepted
    assert len(validated) == 6
    assert not host.validate(text).accepted
    assert len(validated) == 6


def test_other_facts_of_the_same_target_are_told_apart() -> None:
    text = VIDEO.format("qxl")
    found = [open_shipped(name).validate(text, "12.8") for name in ("sid-x86_64", "sid-s390x")]
    assert found[0] != found[1]


def test_what_a_rule_saw_of_a_file_is_looked_at_each_time(host: Host) -> None:
    state = FileState(exists=False)

    class Open:
        def __call__(self, *named: str | None, **more: str) -> Any:
            world = host.known_world(*named, **{"libvirt": "12.8"} | more)  # type: ignore[arg-type]
            world.look = lambda _path: state
            return world

    data = DISK.encode()
    missing = verdicts.validate_once(data, Open())
    state = FileState(exists=True, size=1 << 20)
    there = verdicts.validate_once(data, Open())
    assert missing.findings and not there.findings


def test_a_verdict_that_was_given_up_is_not_kept(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = VIDEO.format("virtio")
    stopped = check._Stopped("no time")

    def stop(_self: object) -> None:
        raise stopped

    with monkeypatch.context() as patched:
        patched.setattr(check.DocumentCheck, "_be_in_time", stop)
        assert host.validate(text).findings[0].code == "check-stopped"
    assert host.validate(text).accepted


def test_what_is_kept_is_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    few: Recent[Any, Any] = Recent(20_000)
    monkeypatch.setattr(verdicts, "_verdicts", few)
    for number in range(100):
        host.validate(VIDEO.format("virtio").replace("<name>a", f"<name>a{number}"))
    assert 0 < len(few) < 100 and few.size <= 20_000
