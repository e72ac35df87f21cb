"""Whether anybody else could change a file: who owns it and the folders above it."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from domcaps.facts.plain_record import PlainRecord
from domcaps.facts.real_path import links, real_path

_ROOT = 0
_ACCESS_LIST = "system.posix_acl_access"


class Weakness(PlainRecord):
    """What lets another user change a file, and what would end that."""

    text: str
    remedy: str


def weakness(real: str) -> Weakness | None:
    """Say what would let another user change the file at a real path; None where nothing does.

    The file and each folder above it must belong to root or to the effective user of this process,
    and no other user may write to them. In a folder with the sticky bit, such as ``/tmp``, users
    can't touch what belongs to others, so that it may be written to. A place that can't be looked
    at is ignored: nothing can be read or executed there.
    """
    place = real
    while True:
        try:
            status = os.lstat(place)
        except (OSError, ValueError):
            pass
        else:
            if found := _weakness_of(place, status):
                return found
        if place in {"/", ""}:
            return None
        place = place.rpartition("/")[0] or "/"


def weakness_of_search(real: str) -> Weakness | None:
    """Say what would let another user choose what is found in a folder, by its real path.

    Where the sticky bit keeps users from what is not theirs, they may still add names: a program, a
    library, a link, or the folder itself where it does not exist.
    """
    if found := weakness(real):
        return found
    place = real
    while place not in {"/", ""} and not os.path.lexists(place):
        place = place.rpartition("/")[0] or "/"
    try:
        status = os.lstat(place)
    except (OSError, ValueError):
        return None
    mode = status.st_mode
    if not stat.S_ISDIR(mode) or not mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    return _weakness_of_writers(place, mode, status.st_gid)


def depends_on_groups(real: str) -> bool:
    """Tell whether who is in a group decides about the weakness of a real path."""
    places = [real]
    while places[-1] not in {"/", ""}:
        places.append(places[-1].rpartition("/")[0] or "/")
    return any(map(_is_writable_for_group, places))


def _is_writable_for_group(place: str) -> bool:
    try:
        mode = os.lstat(place).st_mode
    except (OSError, ValueError):
        return False
    return bool(mode & stat.S_IWGRP) and not stat.S_ISLNK(mode) and not _protects_names(mode)


def weakness_by_name(path: str) -> Weakness | None:
    """Say what lets another user change what a path leads to: a link on the way, or its end."""
    for place in (*links(path), real_path(path)):
        if found := weakness(place):
            return found
    return None


def _weakness_of(place: str, status: os.stat_result) -> Weakness | None:
    if status.st_uid not in {_ROOT, os.geteuid()}:
        return Weakness(
            f"{place} belongs to {_user(status.st_uid)}, who is neither root nor this user",
            "let root own it" if not os.geteuid() else f"let root or {_user(os.geteuid())} own it",
        )
    mode = status.st_mode
    if stat.S_ISLNK(mode) or not mode & (stat.S_IWGRP | stat.S_IWOTH) or _protects_names(mode):
        # a link can't be written to: whoever may write to its folder can exchange it
        return None
    return _weakness_of_writers(place, mode, status.st_gid)


def _weakness_of_writers(place: str, mode: int, group: int) -> Weakness | None:
    if mode & stat.S_IWOTH:
        return Weakness(f"every user may write to {place}", f"chmod go-w {place}")
    if _has_access_list(place):
        return Weakness(f"an access list lets other users write to {place}", f"setfacl -b {place}")
    if not _is_private(group):
        return Weakness(f"the group {_group(group)} may write to {place}", f"chmod g-w {place}")
    return None


def _protects_names(mode: int) -> bool:
    """Tell whether what others may write to is a folder that keeps them from what is not theirs."""
    return stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)


def _has_access_list(place: str) -> bool:
    """Tell whether the group's bits stand for the users and groups of an access list."""
    try:
        return bool(os.getxattr(place, _ACCESS_LIST, follow_symlinks=False))
    except (OSError, AttributeError):
        return False


def _is_private(group: int) -> bool:
    """Tell whether only root and this user are in a group, as in the one of a user's own name."""
    ours = {_ROOT, os.geteuid()}
    try:
        members = grp.getgrgid(group).gr_mem
    except (KeyError, OSError):
        return False
    named = {user.pw_name: user for user in pwd.getpwall()}
    if any(member not in named or named[member].pw_uid not in ours for member in members):
        return False
    return all(user.pw_uid in ours for user in named.values() if user.pw_gid == group)


def _user(number: int) -> str:
    try:
        return f"{pwd.getpwuid(number).pw_name} ({number})"
    except (KeyError, OSError):
        return f"user {number}"


def _group(number: int) -> str:
    try:
        return f"{grp.getgrgid(number).gr_name} ({number})"
    except (KeyError, OSError):
        return str(number)
