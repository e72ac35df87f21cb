"""A pool tells of no file that the user of its client could not see himself."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
from pathlib import Path

import pytest

from domcaps.serve.access import Peer, head, listing, peer_of, status
from domcaps.serve.storage import Pool

ME = Peer(os.geteuid(), frozenset(os.getgroups()))
OTHER = Peer(12345, frozenset({12345}))
UNKNOWN = Peer()
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has more rights than a client")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that every user may enter, below one that the tests have for themselves."""
    place = tmp_path / "images"
    place.mkdir()
    for above in (place, *place.parents):
        if above == Path(tempfile.gettempdir()):
            break
        above.chmod(0o755)
    (place / "a.qcow2").write_bytes(b"QFI\xfb" + bytes(20) + (5 << 30).to_bytes(8, "big"))
    (place / "b").mkdir()
    return place


def names(folder: Path | str, peer: Peer) -> list[str]:
    pool = Pool("p", bytes(16), str(folder), real=True, active=True, peer=peer)
    return [volume.name for volume in pool.volumes()]


def test_what_everybody_may_see(folder: Path) -> None:
    for peer in (ME, OTHER, UNKNOWN):
        assert names(folder, peer) == ["a.qcow2", "b"]


@AS_ROOT
@pytest.mark.parametrize("mode", [0o700, 0o711, 0o750, 0o733])
def test_a_folder_that_may_not_be_read(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    assert names(folder, ME) == ["a.qcow2", "b"]
    assert names(folder, OTHER) == names(folder, UNKNOWN) == []


@AS_ROOT
def test_a_folder_that_may_be_read_but_not_entered(folder: Path) -> None:
    folder.chmod(0o744)
    assert names(folder, OTHER) == []


@AS_ROOT
def test_a_folder_above_that_may_not_be_entered(folder: Path) -> None:
    pool = Pool("p", bytes(16), str(folder), real=True, active=True, peer=OTHER)
    assert pool.sizes()[0]
    folder.parent.chmod(0o700)
    assert pool.volumes() == []
    assert pool.volume("a.qcow2") is None
    assert pool.sizes() == (0, 0, 0)


@AS_ROOT
def test_a_link_of_the_client_leads_nowhere_that_he_may_not_go(folder: Path) -> None:
    secret = folder / "b/secret"
    secret.write_text("x")
    (folder / "link").symlink_to(secret)
    assert names(folder, OTHER) == ["a.qcow2", "b", "link"]
    (folder / "b").chmod(0o700)
    assert names(folder, OTHER) == ["a.qcow2", "b"]
    (folder / "pool").symlink_to(folder / "b")
    assert names(folder / "pool", OTHER) == []


@AS_ROOT
def test_what_is_in_a_file_that_may_not_be_read(folder: Path) -> None:
    image = folder / "a.qcow2"
    pool = Pool("p", bytes(16), str(folder), real=True, active=True, peer=OTHER)
    volume = pool.volume("a.qcow2")
    assert volume is not None
    assert volume.info()[1] == 5 << 30
    image.chmod(0o600)
    volume = pool.volume("a.qcow2")
    assert volume is not None
    # as libvirt says of what it may not read
    assert volume.info()[1] == 32
    with pytest.raises(PermissionError):
        head(str(image), image.stat(), 4, OTHER)


@AS_ROOT
def test_groups(folder: Path) -> None:
    os.chown(folder, -1, 777)
    folder.chmod(0o750)
    assert names(folder, Peer(12345, frozenset({777}))) == ["a.qcow2", "b"]
    folder.chmod(0o705)
    # the group counts for those in it, even where others may more
    assert names(folder, Peer(12345, frozenset({777}))) == []
    assert names(folder, OTHER) == ["a.qcow2", "b"]


def set_access_list(folder: Path, *entries: tuple[int, int, int]) -> None:
    """Give a folder an access list: tag, rights and number of each entry (acl(5))."""
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(folder, "system.posix_acl_access", data)


@AS_ROOT
def test_access_lists(folder: Path) -> None:
    nobody = 0xFFFFFFFF
    owner, group, others = (0x01, 7, nobody), (0x04, 0, nobody), (0x20, 0, nobody)
    user, named_group, mask = (0x02, 5, 12345), (0x08, 5, 777), (0x10, 5, nobody)
    set_access_list(folder, owner, user, group, named_group, mask, others)
    assert names(folder, OTHER) == ["a.qcow2", "b"]
    assert names(folder, Peer(1, frozenset({777}))) == ["a.qcow2", "b"]
    assert names(folder, Peer(1)) == []
    set_access_list(folder, owner, (0x02, 0, 12345), group, mask, (0x20, 5, nobody))
    assert names(folder, OTHER) == []
    assert names(folder, Peer(1)) == ["a.qcow2", "b"]
    set_access_list(folder, owner, user, group, (0x10, 0, nobody), others)
    assert names(folder, OTHER) == []


def test_a_name_that_another_file_took_is_not_read(folder: Path) -> None:
    image = folder / "a.qcow2"
    before = image.stat()
    (folder / "new").write_bytes(b"other")
    (folder / "new").replace(image)
    with pytest.raises(OSError, match="tale"):
        head(str(image), before, 4, ME)


def test_a_fifo_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    assert status(f"{folder}/fifo", ME).st_size == 0
    assert "fifo" in dict(listing(str(folder), ME))
    with pytest.raises(OSError, match="tale"):
        head(f"{folder}/fifo", (folder / "fifo").stat(), 4, ME)


def test_who_is_at_the_other_end() -> None:
    one, two = socket.socketpair()
    with one, two:
        peer = peer_of(one)
        assert peer.user == os.geteuid()
        assert peer.groups == {os.getegid(), *os.getgroups()}
    with socket.socket(socket.AF_INET) as internet:
        assert peer_of(internet) == UNKNOWN
