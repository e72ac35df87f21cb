"""Files and devices of the host that devices open: when the domain is started, they must exist."""

from __future__ import annotations

from domcaps.elements.devices.rng import RngBackend
from domcaps.elements.devices.shmem import Shmem
from domcaps.elements.devices.tpm import Tpm
from domcaps.elements.devices.vsock import Vsock
from domcaps.language.host_files import host_file_rule, needs_file
from domcaps.language.rule import Problems, Sample

_RNG = "<rng model='virtio'><backend model='random'>{}</backend></rng>"
_TPM = "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/{}'/></backend></tpm>"
_SERVED = "<shmem name='s'><model type='ivshmem-doorbell'/><server path='/run/{}'/></shmem>"
_VSOCK = "<vsock><cid auto='yes'/></vsock>"
_RANDOM = "/dev/urandom"
"""What a source of random numbers reads where no file is named."""
_TPM_DEVICE = "/dev/tpm0"
_VHOST_VSOCK = "/dev/vhost-vsock"


@host_file_rule(
    "rng-backend-file-missing",
    RngBackend,
    bad=Sample(_RNG.format("/dev/hwrng"), lacking=("/dev/hwrng",)),
    good=Sample(_RNG.format(_RANDOM), lacking=("/dev/hwrng",)),
)
def random_numbers_are_there(backend: RngBackend) -> Problems:
    """``<backend model='random'>`` must name a device that exists on the host."""
    if backend.model == "random":
        path = (backend.node.text or "").strip() or _RANDOM
        if path != _RANDOM:
            yield from needs_file(backend, path, "source of random numbers")


@host_file_rule(
    "tpm-device-missing",
    Tpm,
    bad=Sample(_TPM.format("tpm9"), lacking=("/dev/tpm9",)),
    good=Sample(_TPM.format("tpm8"), lacking=("/dev/tpm9",)),
)
def tpm_of_the_host_is_there(tpm: Tpm) -> Problems:
    """The device of a passthrough ``<tpm>``, or the socket of an external one, must exist
    on the host.
    """
    backend = tpm.find("backend")
    if backend is None:
        return
    if tpm.backend == "passthrough":
        device = backend.find("device")
        path = _TPM_DEVICE if device is None else device.get("path", _TPM_DEVICE)
        yield from needs_file(tpm, path, "TPM device", "backend/device/@path", kinds=("character",))
    elif tpm.backend == "external":
        source = backend.find("source")
        if source is not None and (path := source.get("path", "")):
            help_ = "start the program that listens there"
            yield from needs_file(
                tpm, path, "socket", "backend/source/@path", kinds=("socket",), help_=help_
            )


_PROFILED = (
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'>"
    "<profile source='local:{}'/></backend></tpm>"
)
_PROFILES = {"local": "/etc/swtpm/profiles", "distro": "/usr/share/swtpm/profiles"}
"""Where swtpm_setup looks for profiles, as its configuration is delivered."""


@host_file_rule(
    "tpm-profile-missing",
    Tpm,
    bad=Sample(_PROFILED.format("gone"), lacking=(f"{_PROFILES['local']}/gone.json",)),
    good=Sample(_PROFILED.format("there"), lacking=(f"{_PROFILES['local']}/gone.json",)),
)
def profile_is_there(tpm: Tpm) -> Problems:
    """Attribute ``source`` of a TPM's ``<profile>`` must name a profile that the host has."""
    profile = tpm.find("backend/profile")
    source = "" if profile is None else profile.get("source", "")
    place, _, name = source.partition(":")
    if place in _PROFILES and name and "/" not in name:
        path = f"{_PROFILES[place]}/{name}.json"
        yield from needs_file(tpm, path, "profile", "backend/profile/@source")


@host_file_rule(
    "shmem-server-missing",
    Shmem,
    bad=Sample(_SERVED.format("gone"), lacking=("/run/gone",)),
    good=Sample(_SERVED.format("there"), lacking=("/run/gone",)),
)
def server_of_shared_memory_is_there(shmem: Shmem) -> Problems:
    """The socket in the ``<server>`` of ``<shmem>`` must exist on the host."""
    if shmem.server:
        help_ = "start the ivshmem server"
        yield from needs_file(
            shmem, shmem.server, "socket", "server/@path", kinds=("socket",), help_=help_
        )


@host_file_rule(
    "vsock-device-missing",
    Vsock,
    bad=Sample(_VSOCK, lacking=(_VHOST_VSOCK,)),
    good=Sample(_VSOCK, lacking=("/dev/other",)),
)
def vhost_vsock_is_there(vsock: Vsock) -> Problems:
    """``<vsock>`` requires the device /dev/vhost-vsock on the host."""
    help_ = "load the kernel module vhost_vsock (modprobe vhost_vsock)"
    yield from needs_file(vsock, _VHOST_VSOCK, "device", help_=help_)
