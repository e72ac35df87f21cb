"""Calls that make, change and remove volumes: of a sandbox, where they exist in memory alone."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.serve.calls.by_name import only_in_sandbox, require_sandbox
from domcaps.serve.calls.storage import (
    POOL,
    VOLUME,
    PoolHandle,
    VolumeHandle,
    find_pool,
    running_pool,
)
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.made_volumes import MadeVolume, VolumePlace, volume_of
from domcaps.serve.procedures import procedure
from domcaps.serve.xdr import UHYPER, UINT, XML

if TYPE_CHECKING:
    from domcaps.serve.session import ClientSession
    from domcaps.serve.storage import Pool

_MOST_VOLUMES = 1000
"""That clients may make in one pool."""

_DELTA, _SHRINK = 2, 4
"""``VIR_STORAGE_VOL_RESIZE_…``."""


def _of_pool(session: ClientSession, pool: Pool, origin: MadeVolume | None = None) -> bytes:
    return msgspec.msgpack.encode(VolumePlace(pool.name, pool.kind, pool.path, origin))


def _place(session: ClientSession, handle: PoolHandle, *_: object) -> bytes:
    require_sandbox(session, 93)
    return _of_pool(session, running_pool(session, handle))


def _place_of_copy(
    session: ClientSession, handle: PoolHandle, xml: bytes, origin: VolumeHandle, flags: int
) -> bytes:
    require_sandbox(session, 125)
    found = _made(session, origin)
    return _of_pool(session, running_pool(session, handle), found[1] if found else None)


def _keep(
    session: ClientSession, volume: MadeVolume, handle: PoolHandle, *_: object
) -> tuple[VolumeHandle]:
    pool = running_pool(session, handle)
    if volume.name in pool.made:
        detail = f"storage volume '{volume.name}' exists already"
        raise LibvirtError(ErrorNumber.STORAGE_VOL_EXIST, detail, ErrorDomain.STORAGE)
    if len(pool.made) >= _MOST_VOLUMES:
        detail = f"{_MOST_VOLUMES} volumes were made in this pool"
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.STORAGE)
    _put(session, pool, volume)
    return (volume.handle,)


def _put(session: ClientSession, pool: Pool, volume: MadeVolume) -> None:
    session.inventory.keep(pool.uuid, pool.size + volume.size)
    pool.made = {**pool.made, volume.name: volume}


def _read(session: ClientSession, xml: bytes) -> MadeVolume:
    return volume_of(xml, msgspec.msgpack.decode(session.given, type=VolumePlace))


@procedure(
    93, takes=(POOL, XML, UINT), gives=(VOLUME,), slow=True, given=_place, keeps=MadeVolume,
    then=_keep,
)  # fmt: skip
def storage_vol_create_xml(
    session: ClientSession, handle: PoolHandle, xml: bytes, flags: int
) -> MadeVolume:
    """Make a volume."""
    return _read(session, xml)


@procedure(
    125, takes=(POOL, XML, VOLUME, UINT), gives=(VOLUME,), slow=True, given=_place_of_copy,
    keeps=MadeVolume, then=_keep,
)  # fmt: skip
def storage_vol_create_xml_from(
    session: ClientSession, handle: PoolHandle, xml: bytes, origin: VolumeHandle, flags: int
) -> MadeVolume:
    """Make a volume that is a copy of another one."""
    return _read(session, xml)


def _made(session: ClientSession, handle: VolumeHandle) -> tuple[Pool, MadeVolume] | None:
    for pool in session.pools.values():
        if pool.name == handle[0] and handle[1] in pool.made:
            return pool, pool.made[handle[1]]
    return None


def _require_made(session: ClientSession, handle: VolumeHandle) -> tuple[Pool, MadeVolume]:
    """Give a volume of the sandbox: what is a file of the host is not changed."""
    found = _made(session, handle)
    if found is None:
        detail = f"the sandbox made no volume '{handle[1]}' in the pool '{handle[0]}'"
        raise LibvirtError(ErrorNumber.NO_STORAGE_VOL, detail, ErrorDomain.STORAGE)
    return found


@only_in_sandbox(94, takes=(VOLUME, UINT))
def storage_vol_delete(session: ClientSession, handle: VolumeHandle, flags: int) -> None:
    """Remove a volume."""
    pool, volume = _require_made(session, handle)
    pool.made = {name: one for name, one in pool.made.items() if name != volume.name}
    session.inventory.keep(pool.uuid, pool.size)


@only_in_sandbox(260, takes=(VOLUME, UHYPER, UINT))
def storage_vol_resize(
    session: ClientSession, handle: VolumeHandle, capacity: int, flags: int
) -> None:
    """Change the size of a volume; to make it smaller takes a flag, as in libvirt."""
    pool, volume = _require_made(session, handle)
    wanted = volume.capacity + capacity if flags & _DELTA else capacity
    if wanted < volume.capacity and not flags & _SHRINK:
        detail = "Can't shrink capacity below current capacity unless shrink flag explicitly given"
        raise LibvirtError(ErrorNumber.INVALID_ARG, detail, ErrorDomain.STORAGE)
    _put(session, pool, msgspec.structs.replace(volume, capacity=wanted))


@only_in_sandbox(208, takes=(VOLUME, UHYPER, UHYPER, UINT), opens_stream=True)
def storage_vol_upload(
    session: ClientSession, handle: VolumeHandle, offset: int, length: int, flags: int
) -> None:
    """Take the content of a volume, which is not kept."""
    _require_made(session, handle)


@only_in_sandbox(165, takes=(VOLUME, UINT))
def storage_vol_wipe(session: ClientSession, handle: VolumeHandle, flags: int) -> None:
    """Wipe a volume, which has no content."""
    _require_made(session, handle)


@only_in_sandbox(259, takes=(VOLUME, UINT, UINT))
def storage_vol_wipe_pattern(
    session: ClientSession, handle: VolumeHandle, algorithm: int, flags: int
) -> None:
    """Wipe a volume, which has no content."""
    _require_made(session, handle)


@only_in_sandbox(81, takes=(POOL, UINT))
def storage_pool_delete(session: ClientSession, handle: PoolHandle, flags: int) -> None:
    """Delete what a pool is made of, which is nothing."""
    pool = find_pool(session, handle)
    if pool.active:
        detail = f"storage pool '{pool.name}' is still active"
        raise LibvirtError(ErrorNumber.OPERATION_INVALID, detail, ErrorDomain.STORAGE)
