"""What libvirt refuses over a read-only connection: its procedures, as data.

Whatever could change something, or have something executed, is refused there, and what would hand
out secrets; since 2019 also what has an emulator asked (CVE-2019-10167, CVE-2019-10168). The list
is of all procedures of the protocol, whether they are served here or not. It holds for libvirt 7.0
to 12.8: ``tests/live/test_serve_read_only_live.py`` compares it with a libvirt that runs.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.xdr import INT, STRING, UINT, UUID, Codec, Record, XdrError, unpack_first

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSED: dict[ErrorDomain, str] = {
    ErrorDomain.DOMAIN: (
        "8 DomainAttachDevice, 9 DomainCreate, 10 DomainCreateXML, 11 DomainDefineXML, "
        "12 DomainDestroy, 13 DomainDetachDevice, 26 DomainPinVcpu, 27 DomainReboot, "
        "28 DomainResume, 29 DomainSetAutostart, 30 DomainSetMaxMemory, 31 DomainSetMemory, "
        "32 DomainSetVcpus, 33 DomainShutdown, 34 DomainSuspend, 35 DomainUndefine, "
        "53 DomainCoreDump, 54 DomainRestore, 55 DomainSave, 58 DomainSetSchedulerParameters, "
        "61 DomainMigratePrepare, 62 DomainMigratePerform, 63 DomainMigrateFinish, "
        "103 DomainBlockPeek, 104 DomainMemoryPeek, 108 DomainMigratePrepare2, "
        "109 DomainMigrateFinish2, 135 ConnectDomainXMLFromNative, 136 ConnectDomainXMLToNative, "
        "148 DomainMigratePrepareTunnel, 160 DomainAttachDeviceFlags, 161 DomainDetachDeviceFlags, "
        "164 DomainAbortJob, 166 DomainMigrateSetMaxDowntime, 174 DomainUpdateDeviceFlags, "
        "182 DomainManagedSave, 184 DomainManagedSaveRemove, 196 DomainCreateWithFlags, "
        "197 DomainSetMemoryParameters, 199 DomainSetVcpusFlags, 201 DomainOpenConsole, "
        "204 DomainSetMemoryFlags, 205 DomainSetBlkioParameters, 207 DomainMigrateSetMaxSpeed, "
        "210 DomainInjectNMI, 211 DomainScreenshot, 213 DomainMigrateBegin3, "
        "214 DomainMigratePrepare3, 215 DomainMigratePrepareTunnel3, 216 DomainMigratePerform3, "
        "217 DomainMigrateFinish3, 218 DomainMigrateConfirm3, "
        "219 DomainSetSchedulerParametersFlags, 225 DomainPinVcpuFlags, 226 DomainSendKey, "
        "231 DomainUndefineFlags, 232 DomainSaveFlags, 233 DomainRestoreFlags, "
        "234 DomainDestroyFlags, 235 DomainSaveImageGetXMLDesc, 236 DomainSaveImageDefineXML, "
        "237 DomainBlockJobAbort, 239 DomainBlockJobSetSpeed, 240 DomainBlockPull, "
        "242 DomainMigrateGetMaxSpeed, 245 DomainReset, 249 DomainOpenGraphics, "
        "250 NodeSuspendForDuration, 251 DomainBlockResize, 252 DomainSetBlockIoTune, "
        "254 DomainSetNumaParameters, 256 DomainSetInterfaceParameters, 258 DomainShutdownFlags, "
        "261 DomainPMSuspendForDuration, 264 DomainSetMetadata, 266 DomainBlockRebase, "
        "267 DomainPMWakeup, 277 DomainGetHostname, 279 DomainPinEmulator, "
        "288 NodeSetMemoryParameters, 290 DomainBlockCommit, 294 DomainFSTrim, "
        "295 DomainSendProcessSignal, 296 DomainOpenChannel, 300 DomainMigrateSetCompressionCache, "
        "302 DomainMigrateBegin3Params, 303 DomainMigratePrepare3Params, "
        "304 DomainMigratePrepareTunnel3Params, 305 DomainMigratePerform3Params, "
        "306 DomainMigrateFinish3Params, 307 DomainMigrateConfirm3Params, "
        "308 DomainSetMemoryStatsPeriod, 309 DomainCreateXMLWithFiles, 310 DomainCreateWithFiles, "
        "334 DomainCoreDumpWithFormat, 335 DomainFSFreeze, 336 DomainFSThaw, 337 DomainGetTime, "
        "338 DomainSetTime, 342 ConnectGetDomainCapabilities, 343 DomainOpenGraphicsFD, "
        "345 DomainBlockCopy, 347 NodeAllocPages, 349 DomainGetFSInfo, 350 DomainDefineXMLFlags, "
        "352 DomainPinIOThread, 355 DomainAddIOThread, 356 DomainDelIOThread, "
        "357 DomainSetUserPassword, 358 DomainRename, 364 DomainMigrateStartPostCopy, "
        "366 DomainSetPerfEvents, 371 DomainGetGuestVcpus, 372 DomainSetGuestVcpus, "
        "384 DomainSetVcpu, 386 DomainSetBlockThreshold, 389 DomainManagedSaveDefineXML, "
        "390 DomainSetLifecycleAction, 392 DomainDetachDeviceAlias, "
        "393 ConnectCompareHypervisorCPU, 394 ConnectBaselineHypervisorCPU, 395 NodeGetSEVInfo, "
        "396 DomainGetLaunchSecurityInfo, 402 DomainSetIOThreadParams, 418 DomainGetGuestInfo, "
        "420 DomainAgentSetResponseTimeout, 421 DomainBackupBegin, 424 DomainAuthorizedSSHKeysGet, "
        "425 DomainAuthorizedSSHKeysSet, 427 DomainStartDirtyRateCalc, "
        "439 DomainSetLaunchSecurityState, 440 DomainSaveParams, 441 DomainRestoreParams, "
        "442 DomainAbortJobFlags, 443 DomainFDAssociate, 448 DomainGraphicsReload, "
        "450 DomainSetAutostartOnce, 451 DomainSetThrottleGroup, "
        "456 DomainAnnounceInterface"
    ),
    ErrorDomain.STORAGE: (
        "75 ConnectFindStoragePoolSources, 76 StoragePoolCreateXML, 77 StoragePoolDefineXML, "
        "78 StoragePoolCreate, 79 StoragePoolBuild, 80 StoragePoolDestroy, 81 StoragePoolDelete, "
        "82 StoragePoolUndefine, 83 StoragePoolRefresh, 90 StoragePoolSetAutostart, "
        "93 StorageVolCreateXML, 94 StorageVolDelete, 125 StorageVolCreateXMLFrom, "
        "165 StorageVolWipe, 208 StorageVolUpload, 209 StorageVolDownload, "
        "259 StorageVolWipePattern, 260 StorageVolResize"
    ),
    ErrorDomain.NETWORK: (
        "39 NetworkCreate, 40 NetworkCreateXML, 41 NetworkDefineXML, 42 NetworkDestroy, "
        "48 NetworkSetAutostart, 49 NetworkUndefine, 291 NetworkUpdate, 406 NetworkPortCreateXML, "
        "408 NetworkPortSetParameters, 410 NetworkPortDelete, 432 NetworkDefineXMLFlags, "
        "437 NetworkCreateXMLFlags, 444 NetworkSetMetadata"
    ),
    ErrorDomain.NODE_DEVICE: (
        "118 NodeDeviceDettach, 119 NodeDeviceReAttach, 120 NodeDeviceReset, "
        "123 NodeDeviceCreateXML, 124 NodeDeviceDestroy, 301 NodeDeviceDetachFlags, "
        "428 NodeDeviceDefineXML, 429 NodeDeviceUndefine, 430 NodeDeviceCreate, "
        "434 NodeDeviceSetAutostart, 447 NodeDeviceUpdate"
    ),
    ErrorDomain.INTERFACE: (
        "131 InterfaceDefineXML, 132 InterfaceUndefine, 133 InterfaceCreate, 134 InterfaceDestroy, "
        "220 InterfaceChangeBegin, 221 InterfaceChangeCommit, 222 InterfaceChangeRollback"
    ),
    ErrorDomain.NETWORK_FILTER: (
        "180 NWFilterDefineXML, 181 NWFilterUndefine, 399 NWFilterBindingCreateXML, "
        "400 NWFilterBindingDelete, 431 NWFilterDefineXMLFlags"
    ),
    ErrorDomain.SECRET: (
        "142 SecretDefineXML, 144 SecretSetValue, 145 SecretGetValue, 146 SecretUndefine"
    ),
    ErrorDomain.SNAPSHOT: (
        "185 DomainSnapshotCreateXML, 192 DomainRevertToSnapshot, 193 DomainSnapshotDelete"
    ),
    ErrorDomain.CHECKPOINT: ("411 DomainCheckpointCreateXML, 417 DomainCheckpointDelete"),
}
"""Numbers and names without ``vir``, by the part of libvirt that refuses them."""


_DOMAIN = (STRING, UUID, INT)
_NAMED_OF_DOMAIN = (STRING, *_DOMAIN)


class _Flagged(NamedTuple):
    """A procedure that is refused with some flags: those of `mask` in the word after `before`.

    `reason` is what libvirt says of it.
    """

    reason: str
    origin: ErrorDomain
    mask: int
    before: tuple[Codec, ...] = _DOMAIN


_ONLY_WITH = {
    14: _Flagged("virDomainGetXMLDesc with secure flag", ErrorDomain.DOMAIN, 1 | 8),
    186: _Flagged(
        "virDomainSnapshotGetXMLDesc with secure flag", ErrorDomain.SNAPSHOT, 1, _NAMED_OF_DOMAIN
    ),
    200: _Flagged("read only access prevents virDomainGetVcpusFlags", ErrorDomain.DOMAIN, 8),
    353: _Flagged("read only access prevents virDomainInterfaceAddresses", ErrorDomain.DOMAIN, 1),
    388: _Flagged("virDomainManagedSaveGetXMLDesc with secure flag", ErrorDomain.DOMAIN, 1),
    412: _Flagged(
        "virDomainCheckpointGetXMLDesc with secure flag",
        ErrorDomain.CHECKPOINT,
        1,
        _NAMED_OF_DOMAIN,
    ),
}
"""``VIR_DOMAIN_XML_SECURE`` and ``…_MIGRATABLE``, ``VIR_DOMAIN_VCPU_GUEST``, an agent as source."""


@cache
def refused() -> dict[int, tuple[str, ErrorDomain]]:
    """Give the procedures that are always refused, by number: libvirt's name and the part."""
    return dict(_entries())


def _entries() -> Iterator[tuple[int, tuple[str, ErrorDomain]]]:
    for origin, text in _REFUSED.items():
        for entry in text.split(", "):
            number, name = entry.split(" ")
            yield int(number), (f"vir{name}", origin)


def check(number: int, payload: bytes) -> None:
    """Refuse a call over a read-only connection if libvirt does, in its words.

    `payload` holds the arguments as they came. Raises `LibvirtError`.
    """
    if number in refused():
        name, origin = refused()[number]
        raise LibvirtError(
            ErrorNumber.OPERATION_DENIED, f"read only access prevents {name}", origin
        )
    flagged = _ONLY_WITH.get(number)
    if flagged is not None and _word_after(flagged.before, payload) & flagged.mask:
        raise LibvirtError(ErrorNumber.OPERATION_DENIED, flagged.reason, flagged.origin)


def _word_after(before: tuple[Codec, ...], payload: bytes) -> int:
    """Give the word after some arguments, 0 where they can't be read: then the call can't be made.

    It is looked for from the front, since bytes after the last argument are ignored.
    """
    with contextlib.suppress(XdrError):
        found: tuple[int, ...] = unpack_first(Record(*before, UINT), payload)
        return found[-1]
    return 0
