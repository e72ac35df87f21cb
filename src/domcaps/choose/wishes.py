"""What somebody wants of a new domain: each wish by itself, so that a conflict can name it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from domcaps.errors import RequestError
from domcaps.language.quantities import Unit
from domcaps.validate.alternatives import decisions

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_LITTLE = 128 * 1024
_TARGET = frozenset({"arch", "os.machine", "virttype"})


@dataclass(frozen=True)
class Wish:
    """One thing that is wanted, with the words in which it was.

    It narrows a decision to `values`, or adds an item to the domain that a decision of its own is
    made for: then `blanks` are what the decision's XML takes of it. `kind` says which.
    """

    text: str
    kind: str
    values: tuple[str, ...] = ()
    blanks: tuple[tuple[str, str], ...] = ()
    name: str = ""
    bus: str = ""
    implied: bool = False


@dataclass
class Wishes:
    """All wishes, in the order in which they were uttered, and what is not one: the name."""

    name: str
    all: list[Wish] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def narrow(self, decision: str, values: tuple[str, ...], text: str) -> None:
        """Want one of some values of a decision."""
        self.all.append(Wish(text, "narrow", values, name=decision))

    def memory(self, size: str) -> None:
        """Want so much memory: ``4GiB``, ``512M``, ``4GB``; a bare number counts MiB."""
        kib = _bytes(size, "memory", "M") // 1024
        if kib == 0:
            raise RequestError(f"memory {size!r} is less than 1 KiB", remedy="write it like 4GiB")
        if size.strip().isdecimal() and kib < _LITTLE:
            self.notes.append(f"--memory {size} counts MiB; for GiB write {size.strip()}GiB")
        self.narrow("memory", (str(kib),), f"--memory {size}")

    def vcpus(self, count: int) -> None:
        """Want so many virtual CPUs."""
        if count < 1:
            raise RequestError(f"{count} virtual CPUs are none")
        self.narrow("vcpus", (str(count),), f"--vcpus {count}")

    def disk(self, text: str) -> None:
        """Want a disk: ``PATH[,size=20GiB,bus=virtio,format=qcow2]``."""
        path, options = _options(text, "--disk", ("size", "bus", "format"))
        if "size" in options:
            size = _bytes(options["size"], "size", "G")
            form = options.get("format") or _format(path)
            if not Path(path).exists():
                making = shlex.join(["qemu-img", "create", "-f", form, path, str(size)])
                self.notes.append(f"make the disk first: {making}")
        path = self._once(path, "--disk")
        blanks = _image(path) | {"format": options.get("format") or _format(path)}
        self._item("disk", f"--disk {text}", blanks, options.get("bus", ""))

    def cdrom(self, text: str) -> None:
        """Want a CD-ROM drive with a disc: ``PATH[,bus=sata]``."""
        path, options = _options(text, "--cdrom", ("bus",))
        path = str(Path(path).absolute())
        self._item("cdrom", f"--cdrom {text}", _image(path), options.get("bus", ""))

    def network(self, text: str, *, implied: bool = False) -> None:
        """Want a network card: ``default``, ``user``, ``network=N``, ``bridge=B``, ``none``."""
        place, options = _options(text, "--network", ("model",))
        kind, _, name = place.partition("=")
        if kind == "none":
            return
        if kind == "user" and not name:
            blanks = {"type": "user", "source": ""}
        elif kind == "bridge" and name:
            blanks = {"type": "bridge", "source": f"<source bridge='{_quoted(name)}'/>"}
        elif kind == "network" and name:
            blanks = {"type": "network", "source": f"<source network='{_quoted(name)}'/>"}
        elif kind == "default" and not name:
            blanks = {"type": "network", "source": "<source network='default'/>"}
        else:
            raise RequestError(
                f"--network {text!r} is none that is known",
                remedy="known are default, user, none, bridge=NAME and network=NAME",
            )
        words = "a network card" if implied else f"--network {text}"
        self._item("network", words, blanks, options.get("model", ""), implied=implied)

    def share(self, folder: str) -> None:
        """Want a folder of the host shared with the guest."""
        path, options = _options(folder, "--share", ("driver",))
        path = str(Path(path).absolute())
        tag = re.sub(r"[^A-Za-z0-9_.-]", "", Path(path).name) or "share"
        taken = {dict(w.blanks).get("tag") for w in self.all if w.kind == "item"}
        number, unique = 1, tag
        while unique in taken:
            number += 1
            unique = f"{tag}{number}"
        blanks = {"path": _quoted(path), "tag": unique[:30]}
        self._item("share", f"--share {folder}", blanks, options.get("driver", ""))

    def setting(self, text: str) -> None:
        """Want a value of the table: ``video.modelType=virtio``."""
        path, sign, value = text.partition("=")
        is_decided = path in {decision.name for decision in decisions()}
        if not sign or not path or not (value or is_decided):
            raise RequestError(f"--set {text!r} is not PATH=VALUE, as video.modelType=virtio is")
        if path in _TARGET or not value:
            # an empty value leaves out what the table decides about
            self.narrow(path, (value,), f"--set {text}")
            return
        wish = Wish(f"--set {text}", "set", (value,), name=path)
        if wish not in self.all:
            self.all.append(wish)

    def _once(self, path: str, what: str) -> str:
        """Give a path that two programs can mean, unless it is taken already."""
        found = str(Path(path).absolute())
        taken = (dict(w.blanks).get("path") for w in self.all if w.name == "disk")
        if _quoted(found) in taken:
            raise RequestError(f"{what} {path} is given twice")
        return found

    def _item(
        self, kind: str, text: str, blanks: dict[str, str], bus: str, *, implied: bool = False
    ) -> None:
        filled = tuple(blanks.items())
        self.all.append(Wish(text, "item", (), filled, kind, bus, implied=implied))


def _options(text: str, what: str, known: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    path, *pairs = text.split(",")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    unknown = [key for key in options if key not in known]
    if unknown:
        raise RequestError(
            f"{what} {text!r}: {unknown[0]!r} is no option", remedy=f"known are {', '.join(known)}"
        )
    if not path:
        raise RequestError(f"{what} {text!r} names nothing")
    empty = next((key for key, value in options.items() if not value), None)
    if empty is not None:
        raise RequestError(f"{what} {text!r}: {empty} has no value")
    return path, options


def _bytes(text: str, what: str, unit: str) -> int:
    """Read a size with libvirt's units; a bare number has the given one."""
    found = _SIZE.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError(text)
        return int(Decimal(found[1]) * Unit().parse(found[2] or unit))
    except ValueError:
        raise RequestError(
            f"{what} {text!r} is not a size",
            remedy="write it like 4GiB, 512MiB or 1.5GiB; 1 GiB is 1024 MiB, 1 GB is 1000 MB",
        ) from None


def _image(path: str) -> dict[str, str]:
    block = path.startswith("/dev/")
    return {
        "path": _quoted(path),
        "type": "block" if block else "file",
        "source": "dev" if block else "file",
    }


def _format(path: str) -> str:
    return "qcow2" if path.endswith((".qcow2", ".qcow")) else "raw"


def _quoted(text: str) -> str:
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&apos;")):
        text = text.replace(sign, name)
    return text
