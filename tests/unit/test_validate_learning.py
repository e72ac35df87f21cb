"""What parts and domains taught: rules that look for what is absent are not called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.elements.display.video import Video
from domcaps.elements.domain.qemu_namespace import QemuNamespace
from domcaps.recent import Recent, shared
from domcaps.shipped import open_shipped
from domcaps.validate.check import DocumentCheck
from domcaps.validate.checks import all_part_checks, rules_in
from domcaps.validate.document.parse import read
from domcaps.validate.document.walk import DocumentWalk
from domcaps.validate.memo import guards, shapes, traces
from domcaps.validate.memo.decisions import DecisionTrees

if TYPE_CHECKING:
    import pytest

DOMAIN = (
    "<domain type='qemu'><name>a</name><memory>1</memory><os><type arch='x86_64'>hvm</type></os>"
    "<devices>{}</devices>{}</domain>"
)
VIDEO = "<video><model type='{}' {}/></video>"


def trees_after(*videos: str) -> tuple[DecisionTrees, dict[str, list[bool]]]:
    """Ask for each video which rules may find something, one after the other."""
    world = open_shipped("sid-x86_64").known_world(None, "x86_64", None, "qemu", "12.8")
    trees, told = DecisionTrees(), {}
    (part_checks,) = (one for one in all_part_checks() if one.kind is Video)
    for video in videos:
        walk = DocumentWalk(read(DOMAIN.format(video, "").encode()).root)
        (node,) = walk.nodes[part_checks]
        told[video] = [
            trees.may_find(rule, Video, node, walk.position_of(node), world)
            for rule in rules_in(part_checks, world.target.dialect)
        ]
    return trees, told


def test_a_tree_tells_the_same_as_a_trial() -> None:
    videos = [
        VIDEO.format(name, more)
        for name in ("virtio", "qxl", "vga", "none", "cirrus", "nosuch")
        for more in ("", "heads='2'", "primary='yes'", "vram='16384' heads='1'")
    ]
    _, together = trees_after(*videos)
    for video in videos:
        assert trees_after(video)[1][video] == together[video], video


def test_trees_are_forgotten_when_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    from domcaps.validate.memo import decisions

    monkeypatch.setattr(decisions, "_MOST_STEPS", 5)
    trees, _ = trees_after(*(VIDEO.format("virtio", f"heads='{n}'") for n in (1, 2)))
    assert trees._steps <= 5 + 50


def test_rules_of_the_domain_are_called_where_something_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[str] = []
    ask = DocumentCheck._rules

    def noting(self: DocumentCheck, part: object, rules: tuple[object, ...]) -> None:
        called.extend(rule.code for rule in rules)  # type: ignore[attr-defined]
        ask(self, part, rules)  # type: ignore[arg-type]

    monkeypatch.setattr(DocumentCheck, "_rules", noting)
    host = open_shipped("sid-x86_64")
    for number in range(3):
        host.validate(DOMAIN.format("", f"<description>{number}</description>"))
    called.clear()
    host.validate(DOMAIN.format("<sound model='ich9'/>", ""))
    assert "domain-genid-duplicate" not in called
    twice = "<genid/>" * 2
    found = {finding.code for finding in host.validate(DOMAIN.format("", twice)).findings}
    assert "domain-genid-duplicate" in called
    assert found == {f.code for f in open_shipped("sid-x86_64").validate(
        DOMAIN.format("", twice)).findings}  # fmt: skip


def test_what_was_asked_for_last_is_kept() -> None:
    recent: Recent[int, str] = Recent(30)
    for number in range(3):
        recent.put(number, str(number), 10)
    assert recent.get(0) == "0"
    recent.put(3, "3", 10)
    assert [recent.get(number) for number in range(4)] == ["0", None, "2", "3"]
    recent.put(4, "4", 31)
    assert (len(recent), recent.size) == (0, 0)
    recent.put(5, "5", 10)
    recent.put(5, "six", 20)
    assert (recent.get(5), recent.size) == ("six", 20)


def test_equal_things_are_one() -> None:
    one, other = ("a", tuple(range(1, 3))), ("a", tuple(range(1, 3)))
    assert shared(one) is shared(other)


def test_a_shape_is_tried_when_some_came() -> None:
    host = open_shipped("sid-x86_64")
    world = host.known_world(None, "x86_64", None, "qemu", "12.8")
    shapes._MET.clear()
    memo = shapes.ShapeMemo(world)
    (part_checks,) = (one for one in all_part_checks() if one.kind is Video)
    walk = DocumentWalk(read(DOMAIN.format(VIDEO.format("virtio", "heads='1'"), "").encode()).root)
    (node,) = walk.nodes[part_checks]
    before = [len(memo.remaining(node, part_checks, walk).rules) for _ in range(shapes.ENOUGH)]
    after = len(memo.remaining(node, part_checks, walk).rules)
    assert len(set(before)) == 1 and after < before[0] / 2


def test_a_rule_of_what_is_absent_is_not_called() -> None:
    host = open_shipped("sid-x86_64")
    world = host.known_world(None, "x86_64", None, "qemu", "12.8")
    (part_checks,) = (one for one in all_part_checks() if one.kind is QemuNamespace)

    def left(xml: str) -> set[str]:
        walk = DocumentWalk(read(xml.encode()).root)
        there = guards.contents(walk.order[0], (known.kind for known in walk.nodes))
        checks = guards.DomainGuards(world).remaining(part_checks, there)
        return {rule.code for rule in checks.rules}

    assert left(DOMAIN.format("", "")) == set()
    space = "http://libvirt.org/schemas/domain/qemu/1.0"
    lines = DOMAIN.format("", f"<commandline xmlns='{space}'/>")
    assert {"qemu-bus-unknown", "qemu-device-unknown", "qemu-netdev-unknown"} <= left(lines)
    assert "qemu-override-alias-missing" not in left(lines)


def test_texts_that_differ_are_hidden_from_the_first_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second document of a skeleton is compared with the first one, and tried once."""
    trials: list[int] = []
    attempt = traces.TraceMemo._try

    def counting(self: traces.TraceMemo, *given: Any, **named: Any) -> traces.Trace:
        trials.append(1)
        return attempt(self, *given, **named)

    monkeypatch.setattr(traces.TraceMemo, "_try", counting)
    host = open_shipped("sid-x86_64")
    disk = "<disk type='file'><source file='/{}'/><target dev='vda' bus='virtio'/></disk>"
    found = [
        host.validate(DOMAIN.replace("<name>a", f"<name>own{n}").format(disk.format(n), "<title/>"))
        for n in range(5)
    ]
    assert len(trials) == 1
    assert len({one.accepted for one in found}) == 1
