"""QEMU arguments for ``<memory>`` below ``<devices>``: modules, and devices mapped like memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.memory.backing_command_line import MEMORY, numbers_of, object_words
from domcaps.elements.memory.memory_device import MemoryDevice
from domcaps.elements.memory.numa import cell_count
from domcaps.language.command_line import YES_NO, Line, Turn, options, untold
from domcaps.language.quantities import size_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

_MODULES = {"dimm": "pc-dimm", "nvdimm": "nvdimm"}
_NAMES = {"virtio-mem": "virtiomem", "virtio-pmem": "virtiopmem", "sgx-epc": "epc"}
_OF_TARGET = ("size", "requested", "current", "block")
_KIB = 1024


def write_memory_devices(line: Line, devices: Node) -> None:
    """Write them all; modules are called after their slots, others numbered by kind."""
    counts: dict[str, int] = {}
    slots = {_slot(node) for node in line.reading.children(devices, "memory")} - {None}
    for part in line.domain.all(MemoryDevice):
        model = part.model or ""
        if model in _MODULES:
            slot = _slot(part.node)
            if slot is None:
                slot = next(n for n in range(len(slots) + 1) if n not in slots)
                slots.add(slot)
            _module(line, part, line.name(part.node, f"{model}{slot}"), slot)
            continue
        number = counts.get(model, 0)
        counts[model] = number + 1
        name = line.name(part.node, f"{_NAMES.get(model, model)}{number}")
        if model == "sgx-epc":
            _enclaves(line, part, name, number)
        else:
            _virtio(line, part, name)


def _slot(node: Node) -> int | None:
    address = node.find("address")
    text = None if address is None else address.get("slot")
    is_slot = address is not None and address.get("type") == "dimm" and text is not None
    return int(text) if is_slot and text and text.isdecimal() else None


def _backend(line: Line, part: MemoryDevice, name: str, **more: object) -> str:
    """Write the object that a device's memory is made of; gives its name."""
    reading, node = line.reading, part.node
    reading.get(node, "model")
    reading.get(node, "access", {"shared", "private"})
    reading.get(node, "discard", YES_NO)
    source = reading.child(node, "source")
    told: dict[str, object] = {}
    if node.get("access") is not None:
        told["share"] = node.get("access") == "shared"
    kind, path = line.backing.kind, None
    if source is not None:
        kind, path = _source(line, source, kind, told)
    size = part.started_kib
    if path is not None:
        told["mem-path"] = line.need("memory", path, node)
        usual = {"share": line.backing.options.get("share"), "prealloc": None}
        told = {**usual, **told}
        if part.model == "nvdimm" and told.get("pmem") is not True:
            told["prealloc"] = True
        word = object_words(kind, f"mem{name}", **(told | {"size": size * _KIB} | more))
    else:
        discard = None if node.get("discard") is None else node.get("discard") == "yes"
        cell = node.findtext("target/node") or "-1"
        number = int(cell) if cell.isdecimal() else -1
        if told.get("hugetlb"):
            word = object_words(kind, f"mem{name}", **(told | {"size": size * _KIB} | more))
        else:
            word = line.backing.object(f"mem{name}", size, number, discard=discard, **told, **more)
    line.add("-object", word)
    return f"mem{name}"


def _source(line: Line, source: Node, kind: str, told: dict[str, object]) -> tuple[str, str | None]:
    """Take where memory comes from: a file, or pages of some size on some nodes."""
    reading = line.reading
    path = reading.child(source, "path")
    mask, page = reading.child(source, "nodemask"), reading.child(source, "pagesize")
    align = reading.child(source, "alignsize")
    if mask is not None:
        told |= {"host-nodes": numbers_of(reading.text(mask)), "policy": "bind"}
    if page is not None:
        reading.text(page)
        reading.set_aside(page, "unit")
        size = size_of(page) or 0
        if size > _KIB * 4:
            told |= {"hugetlb": True, "hugetlbsize": size, "prealloc": True}
            kind = MEMORY["memfd"]
    if align is not None:
        reading.text(align)
        reading.set_aside(align, "unit")
        told["align"] = size_of(align)
    if reading.child(source, "pmem") is not None:
        told["pmem"] = True
    if path is not None:
        return MEMORY["file"], reading.text(path)
    return kind, None


def _target(line: Line, part: MemoryDevice) -> Node:
    reading = line.reading
    target = reading.child(part.node, "target")
    if target is None:
        raise untold(part.node)
    for tag in _OF_TARGET:
        inside = reading.child(target, tag)
        if inside is not None:
            reading.text(inside)
            reading.set_aside(inside, "unit")
    inside = reading.child(target, "node")
    if inside is not None:
        reading.text(inside)
    return target


def _of_node(line: Line, target: Node) -> str | None:
    """Give the cell that memory belongs to, the first where none is named and there are some."""
    node = target.find("node")
    text = None if node is None else (node.text or "").strip()
    return text or ("0" if cell_count(line.domain) else None)


def _module(line: Line, part: MemoryDevice, name: str, slot: int) -> None:
    reading, target = line.reading, _target(line, part)
    more: dict[str, object] = {}
    told: dict[str, object] = {"node": _of_node(line, target)}
    if part.model == "nvdimm":
        line.machine["nvdimm"] = "on"
        label, uuid = reading.child(target, "label"), reading.child(part.node, "uuid")
        inside = None if label is None else reading.child(label, "size")
        if inside is not None:
            reading.text(inside)
            reading.set_aside(inside, "unit")
            told["label-size"] = size_of(inside)
        if uuid is not None:
            told["uuid"] = reading.text(uuid)
        if reading.child(target, "readonly") is not None:
            told["unarmed"] = "on"
            more["readonly"] = True
    told["memdev"] = _backend(line, part, name, **more)
    address = reading.child(part.node, "address")
    base = None
    if address is not None:
        reading.get(address, "type", {"dimm"})
        reading.set_aside(address, "slot")
        base = reading.get(address, "base")
        base = str(int(base, 0)) if base else None
    word = options(_MODULES[part.model or ""], **told, id=name, slot=slot, addr=base)
    line.device(Turn.ATTACHED, word)


def _virtio(line: Line, part: MemoryDevice, name: str) -> None:
    reading, target = line.reading, _target(line, part)
    told: dict[str, object] = {"node": _of_node(line, target)}
    more: dict[str, object] = {}
    if part.model == "virtio-mem":
        told["block-size"] = size_of(target, "block", "block/@unit")
        told["requested-size"] = size_of(target, "requested", "requested/@unit")
        slots = reading.get(target, "dynamicMemslots", YES_NO)
        told["dynamic-memslots"] = None if slots is None else slots == "yes"
        more = {"reserve": False, "prealloc": None}
    else:
        told.pop("node")
        more = {"share": True}
    address = reading.child(target, "address")
    if address is not None:
        base = reading.get(address, "base") or "0"
        told["memaddr"] = int(base, 0)
    told["memdev"] = _backend(line, part, name, **more)
    huge = part.node.find("source/pagesize") is not None or line.backing.is_huge
    if (line.backing.options.get("prealloc") or huge) and part.model == "virtio-mem":
        told["prealloc"] = True
    line.plug_virtio(part.node, part.model or "", id=name, **told)


def _enclaves(line: Line, part: MemoryDevice, name: str, number: int) -> None:
    """Write memory for enclaves, which is an option of the machine type."""
    target = _target(line, part)
    line.reading.get(part.node, "model")
    source = line.reading.child(part.node, "source")
    nodes = None if source is None else line.reading.child(source, "nodemask")
    more: dict[str, object] = {"prealloc": True, "size": part.started_kib * _KIB}
    if nodes is not None:
        more |= {"host-nodes": numbers_of(line.reading.text(nodes)), "policy": "bind"}
    line.add("-object", object_words("memory-backend-epc", f"mem{name}", **more))
    line.machine[f"sgx-epc.{number}.memdev"] = f"mem{name}"
    line.machine[f"sgx-epc.{number}.node"] = _of_node(line, target) or "0"
