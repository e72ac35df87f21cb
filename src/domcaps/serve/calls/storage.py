"""Calls about storage: pools of this connection, each a folder that is only looked at."""

# ruff: noqa: ARG001 - a call takes what the protocol says, whether it is of use or not

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from domcaps.serve.calls.known_host import knows_host
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.events import POOL as POOL_EVENT
from domcaps.serve.events import ObjectEvent
from domcaps.serve.hosts import LiveHostInUse
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_most
from domcaps.serve.storage import Pool, pool_of
from domcaps.serve.xdr import INT, STRING, UHYPER, UINT, UUID, XML, Array, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.made_volumes import MadeVolume
    from domcaps.serve.session import ClientSession
    from domcaps.serve.storage import Volume

POOL = Record(STRING, UUID)
VOLUME = Record(STRING, STRING, STRING)
PoolHandle = tuple[str, bytes]
VolumeHandle = tuple[str, str, str]

_LIST_MOST = 4096
_VOLUMES_MOST = 16384
_MOST_POOLS = 100
"""That a client may define over one connection."""

_INACTIVE, _RUNNING = 0, 2
_ACTIVE_AND_NOT = 0x3
"""``VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE`` and ``…_ACTIVE``."""


def _listed(session: ClientSession, *, active: bool) -> list[Pool]:
    return [pool for pool in list(session.pools.values()) if pool.active is active]


def find_pool(session: ClientSession, handle: PoolHandle) -> Pool:
    """Give a pool by its UUID; raises `LibvirtError`."""
    found = session.pools.get(handle[1])
    if found is None:
        detail = f"none with the uuid {uuid.UUID(bytes=handle[1])} ({handle[0]})"
        raise LibvirtError(ErrorNumber.NO_STORAGE_POOL, detail, ErrorDomain.STORAGE)
    return found


def running_pool(session: ClientSession, handle: PoolHandle) -> Pool:
    """Give a pool that is active; raises `LibvirtError`."""
    found = find_pool(session, handle)
    if not found.active:
        detail = f"the storage pool {found.name!r} is not active"
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.STORAGE)
    return found


def _invalid(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.OPERATION_INVALID, detail, ErrorDomain.STORAGE)


def _pool(session: ClientSession, what: str, fits: Callable[[Pool], bool]) -> tuple[PoolHandle]:
    for pool in list(session.pools.values()):
        if fits(pool):
            return (pool.handle,)
    raise LibvirtError(ErrorNumber.NO_STORAGE_POOL, f"none with the {what}", ErrorDomain.STORAGE)


def _volume(session: ClientSession, handle: VolumeHandle) -> Volume | MadeVolume:
    for pool in list(session.pools.values()):
        found = pool.volume(handle[1]) if pool.name == handle[0] else None
        if found is not None:
            return found
    raise LibvirtError(
        ErrorNumber.NO_STORAGE_VOL, f"none with the key {handle[2]!r}", ErrorDomain.STORAGE
    )


def _read(session: ClientSession, xml: bytes, *, lasting: bool) -> Pool:
    """Read the description of a pool."""
    real = isinstance(session.served(), LiveHostInUse)
    pool = pool_of(xml, real=real, peer=session.peer, made=session.inventory.runs)
    pool.lasting, pool.active = lasting, not lasting
    return pool


def _keep(session: ClientSession, pool: Pool, *_: object) -> tuple[PoolHandle]:
    """Keep a pool while the connection lasts."""
    for known in list(session.pools.values()):
        if (known.name == pool.name) != (known.uuid == pool.uuid):
            detail = f"the storage pool {known.name!r} has another uuid or name already"
            raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.STORAGE)
    if len(session.pools) >= _MOST_POOLS and pool.uuid not in session.pools:
        detail = f"{_MOST_POOLS} storage pools were defined over this connection"
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.STORAGE)
    before = session.pools.get(pool.uuid)
    if before is not None:
        pool.made, pool.active = before.made, pool.active or before.active
    session.inventory.keep(pool.uuid, pool.size)
    session.pools[pool.uuid] = pool
    _tell(session, pool, ObjectEvent.DEFINED if pool.lasting else ObjectEvent.STARTED)
    return (pool.handle,)


def _tell(session: ClientSession, pool: Pool, event: ObjectEvent) -> None:
    session.inventory.send(POOL_EVENT, pool.uuid, (pool.handle, event, 0))


def _forget(session: ClientSession, pool: Pool) -> None:
    session.inventory.drop(pool.uuid)
    del session.pools[pool.uuid]


@procedure(76, takes=(XML, UINT), gives=(POOL,), slow=True, keeps=Pool, then=_keep)
def storage_pool_create_xml(session: ClientSession, xml: bytes, flags: int) -> Pool:
    """Keep a pool until it is stopped."""
    return _read(session, xml, lasting=False)


@procedure(77, takes=(XML, UINT), gives=(POOL,), slow=True, keeps=Pool, then=_keep)
def storage_pool_define_xml(session: ClientSession, xml: bytes, flags: int) -> Pool:
    """Keep a pool while this connection lasts."""
    return _read(session, xml, lasting=True)


@procedure(78, takes=(POOL, UINT))
def storage_pool_create(session: ClientSession, handle: PoolHandle, flags: int) -> None:
    """Make it active: its folder is looked at from now on."""
    pool = find_pool(session, handle)
    if pool.active and session.inventory.runs:
        raise _invalid(f"storage pool '{pool.name}' is already active")
    pool.active = True
    _tell(session, pool, ObjectEvent.STARTED)


@procedure(79, takes=(POOL, UINT))
def storage_pool_build(session: ClientSession, handle: PoolHandle, flags: int) -> None:
    """Make nothing: a folder that is not there has no volumes."""
    find_pool(session, handle)


@procedure(80, takes=(POOL,))
def storage_pool_destroy(session: ClientSession, handle: PoolHandle) -> None:
    """Look at it no longer."""
    pool = find_pool(session, handle)
    pool.active = False
    if not pool.lasting:
        _forget(session, pool)
    _tell(session, pool, ObjectEvent.STOPPED)


@procedure(82, takes=(POOL,))
def storage_pool_undefine(session: ClientSession, handle: PoolHandle) -> None:
    """Forget it."""
    pool = find_pool(session, handle)
    if pool.active and session.inventory.runs:
        raise _invalid(f"storage pool '{pool.name}' is still active")
    _forget(session, pool)
    _tell(session, pool, ObjectEvent.UNDEFINED)


@procedure(83, takes=(POOL, UINT))
def storage_pool_refresh(session: ClientSession, handle: PoolHandle, flags: int) -> None:
    """Do nothing: it is looked at each time."""
    running_pool(session, handle)


@knows_host(84, takes=(STRING,), gives=(POOL,))
def storage_pool_lookup_by_name(session: ClientSession, name: str) -> tuple[PoolHandle]:
    """Find one by its name."""
    return _pool(session, f"name {name!r}", lambda pool: pool.name == name)


@knows_host(85, takes=(UUID,), gives=(POOL,))
def storage_pool_lookup_by_uuid(session: ClientSession, number: bytes) -> tuple[PoolHandle]:
    """Find one by its UUID."""
    return (find_pool(session, ("", number)).handle,)


@procedure(86, takes=(VOLUME,), gives=(POOL,))
def storage_pool_lookup_by_volume(
    session: ClientSession, handle: VolumeHandle
) -> tuple[PoolHandle]:
    """Find that of a volume."""
    return _pool(session, f"name {handle[0]!r}", lambda pool: pool.name == handle[0])


@procedure(391, takes=(STRING,), gives=(POOL,))
def storage_pool_lookup_by_target_path(session: ClientSession, path: str) -> tuple[PoolHandle]:
    """Find that of a folder."""
    wanted = os.path.normpath(path)
    return _pool(session, f"path {path!r}", lambda pool: pool.active and pool.path == wanted)


@procedure(87, takes=(POOL,), gives=(UINT, UHYPER, UHYPER, UHYPER), slow=True, sees_pools=True)
def storage_pool_get_info(session: ClientSession, handle: PoolHandle) -> tuple[int, int, int, int]:
    """Give state and sizes."""
    pool = find_pool(session, handle)
    return (_RUNNING if pool.active else _INACTIVE, *pool.sizes())


@procedure(88, takes=(POOL, UINT), gives=(STRING,), slow=True, sees_pools=True)
def storage_pool_get_xml_desc(session: ClientSession, handle: PoolHandle, flags: int) -> tuple[str]:
    """Describe it."""
    return (find_pool(session, handle).xml(),)


@procedure(89, takes=(POOL,), gives=(INT,))
def storage_pool_get_autostart(session: ClientSession, handle: PoolHandle) -> tuple[int]:
    """Tell what was set."""
    return (int(find_pool(session, handle).autostart),)


@procedure(90, takes=(POOL, INT))
def storage_pool_set_autostart(session: ClientSession, handle: PoolHandle, autostart: int) -> None:
    """Note it, for who asks."""
    find_pool(session, handle).autostart = bool(autostart)


@procedure(154, takes=(POOL,), gives=(INT,))
def storage_pool_is_active(session: ClientSession, handle: PoolHandle) -> tuple[int]:
    """Tell whether it is looked at."""
    return (int(find_pool(session, handle).active),)


@procedure(155, takes=(POOL,), gives=(INT,))
def storage_pool_is_persistent(session: ClientSession, handle: PoolHandle) -> tuple[int]:
    """Tell whether it stays when it is stopped."""
    return (int(find_pool(session, handle).lasting),)


@procedure(91, takes=(POOL,), gives=(INT,), slow=True, sees_pools=True)
def storage_pool_num_of_volumes(session: ClientSession, handle: PoolHandle) -> tuple[int]:
    """Count what stands in the folder."""
    return (len(running_pool(session, handle).volumes()),)


@procedure(92, takes=(POOL, INT), gives=(Array(STRING, _VOLUMES_MOST),), slow=True, sees_pools=True)
def storage_pool_list_volumes(
    session: ClientSession, handle: PoolHandle, most: int
) -> tuple[list[str]]:
    """Name what stands in the folder."""
    check_most(most, _VOLUMES_MOST, "names", "STORAGE_VOL")
    return ([volume.name for volume in running_pool(session, handle).volumes()[:most]],)


@procedure(
    282, takes=(POOL, INT, UINT), gives=(Array(VOLUME, _VOLUMES_MOST), UINT), slow=True,
    sees_pools=True,
)  # fmt: skip
def storage_pool_list_all_volumes(
    session: ClientSession, handle: PoolHandle, need_results: int, flags: int
) -> tuple[list[VolumeHandle], int]:
    """Give what stands in the folder, with the number."""
    found = [volume.handle for volume in running_pool(session, handle).volumes()]
    return found if need_results else [], len(found)


@procedure(95, takes=(POOL, STRING), gives=(VOLUME,), slow=True, sees_pools=True)
def storage_vol_lookup_by_name(
    session: ClientSession, handle: PoolHandle, name: str
) -> tuple[VolumeHandle]:
    """Find one by its name in a pool."""
    found = running_pool(session, handle).volume(name)
    if found is None:
        raise LibvirtError(
            ErrorNumber.NO_STORAGE_VOL, f"none with the name {name!r}", ErrorDomain.STORAGE
        )
    return (found.handle,)


def _by_path(session: ClientSession, path: str) -> tuple[VolumeHandle]:
    folder, _, name = os.path.normpath(path).rpartition("/")
    for pool in list(session.pools.values()):
        found = pool.volume(name) if pool.path == (folder or "/") else None
        if found is not None:
            return (found.handle,)
    raise LibvirtError(
        ErrorNumber.NO_STORAGE_VOL, f"none with the path {path!r}", ErrorDomain.STORAGE
    )


@procedure(96, takes=(STRING,), gives=(VOLUME,), slow=True, sees_pools=True)
def storage_vol_lookup_by_key(session: ClientSession, key: str) -> tuple[VolumeHandle]:
    """Find one by its key, which is its path."""
    return _by_path(session, key)


@procedure(97, takes=(STRING,), gives=(VOLUME,), slow=True, sees_pools=True)
def storage_vol_lookup_by_path(session: ClientSession, path: str) -> tuple[VolumeHandle]:
    """Find one by its path."""
    return _by_path(session, path)


@procedure(98, takes=(VOLUME,), gives=(INT, UHYPER, UHYPER), slow=True, sees_pools=True)
def storage_vol_get_info(session: ClientSession, handle: VolumeHandle) -> tuple[int, int, int]:
    """Give type and sizes."""
    return _volume(session, handle).info()


@procedure(378, takes=(VOLUME, UINT), gives=(INT, UHYPER, UHYPER), slow=True, sees_pools=True)
def storage_vol_get_info_flags(
    session: ClientSession, handle: VolumeHandle, flags: int
) -> tuple[int, int, int]:
    """Give type and sizes."""
    return _volume(session, handle).info()


@procedure(99, takes=(VOLUME, UINT), gives=(STRING,), slow=True, sees_pools=True)
def storage_vol_get_xml_desc(
    session: ClientSession, handle: VolumeHandle, flags: int
) -> tuple[str]:
    """Describe it."""
    return (_volume(session, handle).xml(),)


@procedure(100, takes=(VOLUME,), gives=(STRING,))
def storage_vol_get_path(session: ClientSession, handle: VolumeHandle) -> tuple[str]:
    """Tell where it is."""
    return (_volume(session, handle).path,)


def _names(session: ClientSession, most: int, *, active: bool) -> tuple[list[str]]:
    check_most(most, _LIST_MOST, "names", "STORAGE_POOL")
    return ([pool.name for pool in _listed(session, active=active)][:most],)


@knows_host(71, gives=(INT,))
def connect_num_of_storage_pools(session: ClientSession) -> tuple[int]:
    """Count those that are active."""
    return (len(_listed(session, active=True)),)


@knows_host(72, takes=(INT,), gives=(Array(STRING, _LIST_MOST),))
def connect_list_storage_pools(session: ClientSession, most: int) -> tuple[list[str]]:
    """Name those that are active."""
    return _names(session, most, active=True)


@knows_host(73, gives=(INT,))
def connect_num_of_defined_storage_pools(session: ClientSession) -> tuple[int]:
    """Count those that are not."""
    return (len(_listed(session, active=False)),)


@knows_host(74, takes=(INT,), gives=(Array(STRING, _LIST_MOST),))
def connect_list_defined_storage_pools(session: ClientSession, most: int) -> tuple[list[str]]:
    """Name those that are not."""
    return _names(session, most, active=False)


@knows_host(281, takes=(INT, UINT), gives=(Array(POOL, _LIST_MOST), UINT))
def connect_list_all_storage_pools(
    session: ClientSession, need_results: int, flags: int
) -> tuple[list[PoolHandle], int]:
    """Give those that were defined over this connection, active or not as the flags say."""
    asked = flags & _ACTIVE_AND_NOT or _ACTIVE_AND_NOT
    found = [p.handle for p in list(session.pools.values()) if asked & (2 if p.active else 1)]
    return found if need_results else [], len(found)
