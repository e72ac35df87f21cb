"""Files of disks: whether they are there when the domain is started."""

from __future__ import annotations

from domcaps.elements.boards.defaults import DISK_TYPE
from domcaps.elements.storage.disk import Disk
from domcaps.language.finding import Severity, Stage
from domcaps.language.rule import Problems, Sample, problem, rule

_FILE = "<disk type='file'{}><source file='/a.img'{}/><target dev='sda' bus='sata'/></disk>"
_MAY_BE_ABSENT = frozenset({"optional", "requisite"})


@rule(
    "disk-source-file-missing",
    Disk,
    bad=Sample(_FILE.format("", ""), lacking=("/a.img",)),
    good=Sample(_FILE.format(" device='cdrom'", " startupPolicy='optional'"), lacking=("/a.img",)),
    stage=Stage.START,
    severity=Severity.WARNING,
    live=True,
)
def images_are_there(disk: Disk) -> Problems:
    """The image of a disk has to be there when the domain is started.

    It may be made after the definition, so that this is a warning. In a recording it is unknown.
    """
    source = disk.node.find("source")
    path = None if source is None else source.get("file")
    if not path or (disk.type or DISK_TYPE) != "file" or disk.startup_policy in _MAY_BE_ABSENT:
        return
    world = disk.domain.world
    state = world.file_state(path)
    if state is None:
        world.unknown.add(f"disk image {path} exists")
    elif not state.exists:
        message = f"the image {path} does not exist on this host: the domain does not start without"
        yield problem(message, disk, "source/@file")
