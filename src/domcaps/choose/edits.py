"""Edits that may repair a finding, the one that keeps most of what was asked for first.

`Edits.repairing` knows no device. What can stand in for a value, what a rule asks for and which
names people use for a value is said beside the table's elements (`Substitutes`, `Fix`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.choose import losses
from domcaps.choose.applied import apply, place
from domcaps.choose.board import MACHINE
from domcaps.choose.candidates import of_same_family, on_board, preferred, values_of
from domcaps.choose.disk_names import BUS, buses_of, is_named_for
from domcaps.choose.leftovers import (
    after_change,
    in_other_form,
    without_attribute,
    without_element,
)
from domcaps.choose.protected import (
    SEVERAL,
    device_of,
    is_device,
    is_for_owner,
    is_protected,
    says_what_it_is,
)
from domcaps.choose.ranking import KINDS, if_far_less, ranked
from domcaps.choose.text import text_of
from domcaps.elements.boards.families import family_of
from domcaps.elements.boards.nearest import version_of
from domcaps.language.node_path import plain_path_of, tag_of, with_attribute, without_positions
from domcaps.language.truth import Truth
from domcaps.named_tuples import NamedTuple
from domcaps.validate.alternatives import can_go_on, stand_ins, substitutes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lxml.etree import _Element as Node

    from domcaps.language import World
    from domcaps.language.finding import Finding
    from domcaps.language.fix import Carried, Fix, Substitutes
    from domcaps.language.truth import Reason

_IDENTIFYING = frozenset({"uuid", "genid", "title", "description", "metadata"})
"""What a domain is known by: nothing that was found elsewhere is a matter of it."""
_NAME_UNKNOWN = "features-unknown"
"""The finding of an element whose accepted values are names of elements."""
_SWITCHES = frozenset({"yes", "no", "on", "off"})
_MOST_MISSPELT = 8
"""So many names that nothing knows are tried as what is missing."""
_IDENTITY = frozenset({"", "type", "model", "index"})
"""Where a finding stands that is about a device as a whole; "" is the device itself."""


@dataclass(frozen=True)
class Edit:
    """One edit: what it does, where, how much it loses, and the text after it.

    `removes` tells what is taken away, "" where nothing is; `value` is what was written, where it
    is one value, `old` what stood there before. `again` gives the edit that writes another value.
    `says` is what the owner of the domain should know of it. `brief` are the words without what
    is replaced, `keeps` is how that is called: ``'kvm'``.
    """

    what: str
    path: str
    loss: int
    apply: Callable[[], bytes]
    removes: str = ""
    value: str = ""
    old: str = ""
    again: Callable[..., Edit] | None = None
    says: str = ""
    brief: str = ""
    keeps: str = ""


class _Words(NamedTuple):
    """How an edit is described: in full, without what is replaced, and what that is."""

    what: str
    brief: str
    keeps: str


class Edits:
    """Edits of one text, for hosts that have some machine types and virtualization types."""

    def __init__(
        self,
        data: bytes,
        machines: Sequence[str],
        kinds: Sequence[str],
        misspelt: Iterable[Finding] = (),
        *,
        allow_removal: bool = False,
        worlds: Sequence[World] = (),
    ) -> None:
        self.data = data
        self.worlds = worlds
        self.text = text_of(data)
        self.machines = machines
        self.arch = _value_at(self.text.root, "os/type", "arch")
        self.kinds = kinds
        self.misspelt = list(misspelt)
        self.allow_removal = allow_removal
        self._at_fault: tuple[Node, str] = (self.text.root, "")
        self._is_owners = False

    def repairing(self, finding: Finding, *, wide: bool = False) -> list[Edit]:
        """Give the edits that may repair a finding, the least loss first.

        With `wide` settings beside the devices are among them, and other values of the device.
        """
        place = self.text.node(finding.path)
        if place is None:
            return []
        node, attribute = self._at_fault = place
        self._is_owners = is_for_owner(finding, _value(node, attribute))
        found = [
            *self._renamed(node, attribute, finding),
            *self._fixed(finding),
            *self._at(node, attribute, finding),
            *self._other_board(finding),
            *self._without_place(node, attribute),
            *self._instead_of_removal(node, attribute),
            *self._away(node, attribute),
        ]
        if wide:
            found += [*self._near(node, attribute), *self._machine(), *self._elsewhere()]
        best: dict[tuple[str, str], Edit] = {}
        for edit in found:
            known = best.get((edit.what, edit.path))
            if known is None or edit.loss < known.loss:
                best[edit.what, edit.path] = edit
        allowed = (e for e in best.values() if self.allow_removal or e.loss < losses.PROTECTED)
        return sorted(allowed, key=lambda edit: edit.loss)

    def _renamed(self, node: Node, attribute: str, finding: Finding) -> Iterator[Edit]:
        """Give a name that nothing knows the name of what is missing, where they are alike."""
        if finding.code == _NAME_UNKNOWN and finding.accepted:
            yield from self._renaming(finding, finding.accepted[0], losses.SLIP)
        for wrong in self.misspelt[:_MOST_MISSPELT]:
            found = self.text.node(wrong.path)
            if found is not None and wrong.accepted:
                other, _ = found
                here = other is node or other.getparent() is node
                right = attribute if attribute in wrong.accepted else wrong.accepted[0]
                yield from self._renaming(wrong, right, losses.SLIP if here else losses.SLIP + 1)

    def respelling(self, wrong: Finding) -> Iterator[Edit]:
        """Correct what libvirt ignores: to the known name that it looks like, or as it asks for."""
        if wrong.accepted:
            yield from self._renaming(wrong, wrong.accepted[0], losses.SLIP)
        yield from self._fixed(wrong)

    def _renaming(self, wrong: Finding, right: str, loss: int) -> Iterator[Edit]:
        found = self.text.node(wrong.path)
        if found is None:
            return
        node, name = found
        if name and node.get(right) is None:
            yield Edit(
                f"attribute '{name}' is called '{right}'", self.text.path(node, name), loss,
                functools.partial(self.text.rename_attribute, node, name, right),
            )  # fmt: skip
        elif not name:
            yield Edit(
                f"element <{tag_of(node)}> is called <{right}>", self.text.path(node), loss,
                functools.partial(self.text.rename_element, node, right),
            )  # fmt: skip

    def _fixed(self, finding: Finding) -> Iterator[Edit]:
        """Write what the finding itself asks for."""
        for number, fix in enumerate(finding.fixes):
            words = self._said(fix, finding.path)
            yield Edit(
                words.what, finding.path,
                self._loss_of(fix, finding.path) + number,
                functools.partial(apply, self.data, finding.path, fix),
                # with something in its place it is no removal
                removes="" if fix.values or fix.add else self._taken(fix, finding.path),
                says=fix.says, brief=words.brief, keeps=words.keeps,
            )  # fmt: skip

    def _loss_of(self, fix: Fix, path: str) -> int:
        """Give what a fix loses: one that takes the device away loses as much as any removal."""
        if fix.less:
            return losses.LESS
        if fix.renames and not (fix.values or fix.add or fix.without):
            return losses.SLIP
        found = self.text.node(path)
        whole = not (fix.values or fix.add) and "" in fix.without
        return losses.DEVICE if whole and found is not None and is_device(found[0]) else losses.FIX

    def _said(self, fix: Fix, path: str) -> _Words:
        """Say what a fix writes."""
        words = [f"attribute '{at[1:]}' is called '{name}'" for at, name in fix.renames]
        briefs, keeps = [*words], ""
        has_unit = any(at.endswith("@unit") for at, _ in fix.values)
        for at, text in fix.values:
            found = self.text.node(place(path.partition("/@")[0], at))
            old = "" if found is None else _value(*found)
            one = _said_of_value(found, at, text, has_unit=has_unit)
            if found is None and not text and "@" not in at:
                added = f"<{at.rpartition('/')[2]}> added"
                one = _Words(added, added, "")
            elif old == text:
                continue
            words.append(one.what)
            briefs += [] if keeps else [one.brief]
            keeps = keeps or one.keeps
        said = " and ".join(words)
        if fix.add:
            said += (" and " if said else "") + f"{fix.add} added"
        taken = self._taken(fix, path)
        if taken:
            said = f"{said}, and {taken} removed" if said else f"{taken} removed"
        return _Words(said, " and ".join(briefs) if keeps else said, keeps)

    def _taken(self, fix: Fix, path: str) -> str:
        """Say what a fix takes away."""
        words = []
        for at in fix.without:
            found = self.text.node(place(path.partition("/@")[0], at))
            if found is not None and (not found[1] or found[0].get(found[1]) is not None):
                node, name = found
                words.append(f"{name}='{node.get(name)}'" if name else f"<{tag_of(node)}>")
        return ", ".join(words)

    def _at(self, node: Node, attribute: str, finding: Finding) -> Iterator[Edit]:
        """Replace the value at fault."""
        if not attribute and len(node):
            return
        path = self.text.path(node, attribute)
        old = (node.get(attribute) if attribute else (node.text or "").strip()) or ""
        known = self._known(path, finding.accepted)
        named = self._named_buses(node) if without_positions(path) == BUS else frozenset()
        if len(named) == 1 and old not in named:
            yield self._replaced(node, attribute, old, next(iter(named)), losses.NAMED)
        for value, loss in ranked(path, old, known, finding, self.arch, self.text.root):
            if value in named and loss > losses.SLIP:
                loss = losses.NAMED
            if value != old:
                yield self._replaced(node, attribute, old, value, loss)

    def _named_buses(self, target: Node) -> frozenset[str]:
        """Give the buses that a disk's name is of: several are no hint but on boards of PCs."""
        named, rule = buses_of(target.get("dev") or ""), substitutes().get(BUS)
        at_home = rule is None or rule.is_at_home(self.arch)
        return named if at_home or len(named) == 1 else frozenset()

    def _known(self, path: str, accepted: Sequence[str]) -> Sequence[str]:
        if without_positions(path) == "/domain/@type":
            return self.kinds
        if without_positions(path) == MACHINE:
            return self.machines
        return accepted or values_of(path) or (losses.UNITS if path.endswith("/@unit") else ())

    def _replaced(self, node: Node, attribute: str, old: str, value: str, loss: int) -> Edit:
        path = self.text.path(node, attribute)
        rule = substitutes().get(without_positions(path))
        without = () if rule is None else rule.gone_with(old, value)
        if without_positions(path) == BUS and is_named_for(node, value):
            without = ()  # the address was written for the same bus as the name
        carried = self._carried(node, attribute, old, value) if loss >= losses.FIX else ()
        if loss < losses.FIX:  # a typo: the rest was written for what was meant
            change = functools.partial(self._set, node, attribute, value)
        else:
            change = functools.partial(
                self._written, node, attribute, value, without, rule, old, carried
            )
        feature, far = _feature_of(node, attribute), if_far_less(value, old)
        if attribute:
            new = f"{attribute}='{value}'"
            what = new + (f" instead of '{old}'" if old else " added") + feature
        else:
            new = f"<{tag_of(node)}> {value!r}"
            what = f"{new} instead of {old!r}"
        brief = f"{new}{feature}{far}" if old else what
        remark = (rule.remarks or {}).get(value) if rule is not None else None
        if remark and loss >= losses.FIX:
            what += f" ({remark})"
        if path == MACHINE and loss >= losses.FIX:
            what += _of_version(old, value)
        what += far
        for one in carried:
            what += f", and <{one.path.rpartition('/')[2].partition('[')[0]}> gets {one.says}"
        again = functools.partial(self._replaced, node, attribute, old, loss=loss)
        return Edit(
            what, path, loss, change, value=value, old=old, again=again, brief=brief,
            keeps=_keeps(attribute, old),
        )  # fmt: skip

    def _set(self, node: Node, attribute: str, value: str) -> bytes:
        if attribute:
            return self.text.set_attribute(node, attribute, value)
        return self.text.set_text(node, value)

    def _written(
        self,
        node: Node,
        attribute: str,
        value: str,
        without: tuple[str, ...],
        rule: Substitutes | None,
        old: str,
        carried: tuple[Carried, ...] = (),
    ) -> bytes:
        """Set a value; what had a meaning with the old one alone goes, or gets another form."""
        device = self.text.path(device_of(node))
        data = self._set(node, attribute, value)
        for one in carried:
            data = in_other_form(data, one)
        last = self._is_last(node, attribute, old)
        companions = (rule.companions or {}).get(old, ()) if rule is not None and last else ()
        return after_change(
            data, device, with_attribute(plain_path_of(node), attribute), without, companions
        )

    def _is_last(self, node: Node, attribute: str, old: str) -> bool:
        """Tell whether no other element has the same value."""
        return not any(
            other is not node and (other.get(attribute) if attribute else other.text) == old
            for other in self.text.root.iter(str(node.tag))
        )

    def _carried(self, node: Node, attribute: str, old: str, value: str) -> tuple[Carried, ...]:
        """Give the devices that can go on beside a value that replaces the last of its kind."""
        path = without_positions(self.text.path(node, attribute))
        rule = substitutes().get(path)
        if rule is None or not rule.carries or not self._is_last(node, attribute, old):
            return ()
        known = rule.carried_to(value, self.text.root) if self.worlds else ()
        return tuple(one for one in known if all(can_go_on(one, world) for world in self.worlds))

    def _without_place(self, node: Node, attribute: str) -> Iterator[Edit]:
        """Let libvirt choose an address, or an index."""
        device = device_of(node)
        for address in [node] if node.tag == "address" else device.iterchildren("address"):
            if address.getparent() is device:
                yield Edit(
                    "<address> removed, so that libvirt chooses one", self.text.path(address),
                    losses.PLACE, functools.partial(self.text.remove_element, address),
                )  # fmt: skip
        if attribute and self._is_chosen(node, attribute):
            # a part of an address without the others would say another place
            least = losses.PLACE + (1 if node.tag == "address" else -1)
            yield Edit(
                f"{attribute}='{node.get(attribute)}' removed, so that libvirt chooses it",
                self.text.path(node, attribute), least,
                functools.partial(without_attribute, self.text, node, attribute),
            )  # fmt: skip

    def _is_chosen(self, node: Node, attribute: str) -> bool:
        """Tell whether libvirt chooses an attribute's value where there is none."""
        if node.get(attribute) is None or node.getparent() is None:
            return False
        if node.tag == "controller":
            return attribute == "index"
        path = plain_path_of(node)
        guest = path.startswith("/domain/devices/") and "/source" not in path
        return guest and path.endswith(losses.PLACES)

    def _other_board(self, finding: Finding) -> Iterator[Edit]:
        """Give the machine a board that has what was found missing, where that is its matter."""
        kind = self.text.root.find("os/type")
        if kind is None or finding.reason is None or not _is_of_machine(finding.reason):
            return
        old = kind.get("machine") or ""
        board = {"pc": "q35", "q35": "pc"}.get(_family_of(old))
        for name in on_board(old, board, self.machines)[:1] if board is not None else ():
            yield self._replaced(kind, "machine", old, name, 2 * losses.MACHINE)

    def _away(self, node: Node, attribute: str) -> Iterator[Edit]:
        """Take away the attribute or the element at fault, or what the element stands in."""
        if attribute and node.get(attribute) is not None and not _is_what_it_is(node, attribute):
            yield self._without_attribute(node, attribute, losses.SETTING)
        current: Node | None = node
        loss = losses.SETTING + (40 if attribute else 0)
        while current is not None and not self._is_essential(current):
            yield self._without(current, loss)
            loss += 40
            current = current.getparent()

    def _without(self, node: Node, loss: int) -> Edit:
        path = self.text.path(node)
        if is_device(node):
            grown = _is_grown(node) and self._is_at(node)
            loss = losses.CONTROLLER if grown else losses.DEVICE
        if is_protected(node) or (self._is_owners and loss == losses.DEVICE):
            loss = losses.PROTECTED
        size = sum(1 + len(inner.keys()) for inner in node.iter())
        what = f"<{tag_of(node)}>"
        return Edit(
            f"{what} removed", path, loss + min(size, 30),
            functools.partial(without_element, self.text, node), removes=what,
        )  # fmt: skip

    def _without_attribute(self, node: Node, name: str, loss: int) -> Edit:
        path = self.text.path(node, name)
        if name in KINDS:
            loss = losses.KIND
        if _is_what_it_is(node, name) or says_what_it_is(without_positions(path)):
            loss = losses.PROTECTED
        what = f"{name}='{node.get(name)}'"
        return Edit(
            f"{what} removed", path, loss,
            functools.partial(without_attribute, self.text, node, name), removes=what,
        )  # fmt: skip

    def _near(self, node: Node, attribute: str) -> Iterator[Edit]:
        """Change other values of the same device, and take other parts of it away."""
        device = device_of(node)
        if device.tag in SEVERAL:
            return
        yield from self._stand_ins(node, attribute, losses.SUBSTITUTE)
        for inner in device.iter():
            for name in map(str, inner.keys()):
                if inner is not node or name != attribute:
                    path = self.text.path(inner, name)
                    loss = losses.KIND if name in KINDS else losses.NEAR
                    old = inner.get(name) or ""
                    where = without_positions(path)
                    known = stand_ins(where, old, self.arch, self.text.root)
                    guessed = known is None and not says_what_it_is(where)
                    others = preferred(where, old, values_of(path)) if guessed else ()
                    for number, value in enumerate(others):
                        yield self._replaced(inner, name, old, value, loss + number)
                    yield self._without_attribute(inner, name, losses.SETTING)
            if inner is not device and not self._is_essential(inner):
                yield self._without(inner, losses.SETTING + 20)

    def _instead_of_removal(self, node: Node, attribute: str) -> Iterator[Edit]:
        """Give other values of a device that would be taken away else."""
        if not is_protected(device_of(node)):
            yield from self._stand_ins(node, attribute, losses.STAND_IN)

    def _stand_ins(self, node: Node, attribute: str, least: int) -> Iterator[Edit]:
        """Give other values of the device what can stand in for them."""
        device = device_of(node)
        if not is_device(device):
            return
        for inner in device.iter():
            for name in map(str, inner.keys()):
                if inner is node and name == attribute:
                    continue
                path, old = self.text.path(inner, name), inner.get(name) or ""
                known = stand_ins(path, old, self.arch, self.text.root) or ()
                for number, value in enumerate(known):
                    yield self._replaced(inner, name, old, value, least + number)

    def _machine(self) -> Iterator[Edit]:
        """Change the machine type, which is a part of nothing that was found."""
        kind = self.text.root.find("os/type")
        if kind is None:
            return
        old = kind.get("machine") or ""
        # a board of another family is another computer
        for number, value in enumerate(of_same_family(old, self.machines)):
            yield self._replaced(kind, "machine", old, value, losses.MACHINE + number)

    def _elsewhere(self) -> Iterator[Edit]:
        """Change what the domain says of itself: a feature may be what a device lacks."""
        for top in self.text.root:
            if self._is_essential(top) or top.tag in _IDENTIFYING:
                continue
            for inner in top.iter():
                for name in map(str, inner.keys()):
                    path, old = self.text.path(inner, name), inner.get(name) or ""
                    if says_what_it_is(without_positions(path)):
                        continue
                    for value in preferred(without_positions(path), old, values_of(path)):
                        yield self._replaced(inner, name, old, value, losses.ELSEWHERE)
                yield self._without(inner, losses.ELSEWHERE)

    def _is_at(self, node: Node) -> bool:
        """Tell whether the finding is about a device itself, and not about a setting of it."""
        return self._at_fault[0] is node and self._at_fault[1] in _IDENTITY

    def _is_essential(self, node: Node) -> bool:
        return node is self.text.root or plain_path_of(node) in losses.ESSENTIAL


def _is_what_it_is(node: Node, attribute: str) -> bool:
    """Tell whether an attribute says what a device is: without it the device is another one."""
    return is_device(node) and attribute in losses.WHAT_IT_IS


def _is_grown(device: Node) -> bool:
    """Tell whether a device is a controller that libvirt adds again where a device needs it."""
    model = device.get("model") or ""
    return device.tag == "controller" and device.get("type") != "scsi" and "expander" not in model


def _value_at(root: Node, path: str, attribute: str) -> str:
    node = root.find(path)
    return "" if node is None else _value(node, attribute)


def _value(node: Node, attribute: str) -> str:
    return (node.get(attribute) if attribute else (node.text or "").strip()) or ""


def _said_of_value(found: tuple[Node, str] | None, at: str, text: str, *, has_unit: bool) -> _Words:
    """Say what a fix writes at one place, where `found` stands now."""
    name = at.rpartition("@")[2] if "@" in at else ""
    old = "" if found is None else _value(*found)
    tag = "" if name or at.endswith("..") else at.rpartition("/")[2]
    if not at and found is not None and not found[1]:
        tag = tag_of(found[0])
    said = f"{name}='{text}'" if name else f"<{tag}> {text!r}" if tag else repr(text)
    # with another unit a smaller number may be more
    far = "" if has_unit else if_far_less(text, old)
    feature = _feature_of(None if found is None else found[0], name)
    instead = f" instead of {old!r}{far}" if old else ""
    return _Words(f"{said}{instead}{feature}", f"{said}{feature}{far}", _keeps(name, old))


def _keeps(name: str, old: str) -> str:
    """Say what an edit replaces: a switch says nothing without its name."""
    if not old:
        return ""
    return f"{name}='{old}'" if name and old in _SWITCHES else f"{old!r}"


def _feature_of(node: Node | None, attribute: str) -> str:
    """Name the feature that a policy is of, "" for other attributes: there are many alike."""
    if node is None or attribute != "policy" or not node.get("name"):
        return ""
    return f" for {node.get('name')}"


def _of_version(old: str, new: str) -> str:
    """Say how near a version of a board is, "" where one of both has none."""
    before, after = version_of(old), version_of(new)
    if not before or not after:
        return ""
    if before == after:
        return " (QEMU's own name of this version)"
    numbers = (".".join(map(str, one)) for one in (before, after))
    return " (the nearest version: {} becomes {})".format(*numbers)


def _family_of(machine: str) -> str:
    return family_of(machine)[0] if machine else "pc"


def _is_of_machine(reason: Reason) -> bool:
    """Tell whether a reason leads down to the machine type."""
    if reason.at == "machine" and reason.truth is Truth.NO:
        return True
    return any(_is_of_machine(below) for below in reason.because)
