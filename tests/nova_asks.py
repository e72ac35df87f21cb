"""What OpenStack's Nova makes of a host, as JSON: run by the Python that Nova is installed in.

``python nova_asks.py URI VIRTTYPE`` asks the host behind a URI of libvirt by Nova's own classes,
and prints what they gave, by the names of their methods. Nothing here is Nova's: it only calls it.

libvirt's bindings may be those of the system (``/usr/lib/python3/dist-packages``), of which nothing
else is to be seen: what Nova needs besides comes in its own releases.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM = "/usr/lib/python3/dist-packages"

try:
    import libvirt  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    sys.path.append(SYSTEM)
    import libvirt  # type: ignore[import-not-found,unused-ignore]  # noqa: F401

    sys.path.remove(SYSTEM)

HOST = (
    "get_driver_type", "get_version", "get_memory_mb_total", "get_cpu_model_names",
    "has_hyperthreading", "supports_uefi", "supports_virtio_fs", "supports_mem_backing_file",
    "supports_secure_boot", "supports_vtpm", "tpm_versions", "tpm_models", "supports_amd_sev",
    "supports_amd_sev_es", "supports_amd_sev_snp", "supports_intel_tdx", "max_intel_tdx_guests",
    "supports_mem_encryption", "get_mem_encryption_inventories", "supports_remote_managed_ports",
    "get_available_cpus", "get_online_cpus", "list_pci_devices",
    "list_mdev_capable_devices", "list_mediated_devices", "is_cpu_control_policy_capable",
)  # fmt: skip
"""Methods and properties of ``nova.virt.libvirt.host.Host`` that take nothing.

Not the guests that run: with domcaps there are none.
"""

TRAITS = (
    "_get_cpu_traits", "_get_packed_virtqueue_traits", "_get_storage_bus_traits",
    "_get_video_model_traits", "_get_vif_model_traits", "_get_iommu_model_traits",
    "_get_tpm_traits", "_get_sound_model_traits",
)  # fmt: skip
"""Of ``nova.virt.libvirt.driver.LibvirtDriver``: what the scheduler is told of a host."""

MACHINES = (("x86_64", "q35"), ("x86_64", "pc"), ("aarch64", "virt"))
MODELS = ("qemu64", "Nehalem", "Skylake-Server-IBRS", "EPYC", "no-such-model")


def answer(ask: Callable[[], Any]) -> Any:
    """Give what a call gives in a form that can be compared, or the name of its error."""
    try:
        return plain(ask())
    except Exception as error:  # noqa: BLE001 - any error of Nova's is an answer, too
        return f"error: {type(error).__name__}"


def plain(value: Any) -> Any:
    """Turn Nova's objects into what JSON has."""
    if hasattr(value, "to_xml"):
        # what it read of XML, which it need not be able to write again
        return {name: plain(held) for name, held in sorted(vars(value).items())}
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | bool | float | None) else str(value)


def asked(uri: str, virttype: str) -> dict[str, Any]:
    """Ask everything."""
    from nova import conf  # type: ignore[import-not-found,unused-ignore]

    # Nova holds that its modules are loaded after its configuration
    settings = conf.CONF
    settings([], project="nova", default_config_files=[])
    settings.set_override("connection_uri", uri, "libvirt")
    settings.set_override("virt_type", virttype, "libvirt")
    settings.set_override("swtpm_enabled", override=True, group="libvirt")
    from nova.virt.libvirt import (  # type: ignore[import-not-found,unused-ignore]
        config,
        driver,
        host,
    )

    logging.disable(logging.CRITICAL)
    there = host.Host(uri)
    there.initialize()
    told: dict[str, Any] = {}
    for name in HOST:
        found = getattr(type(there), name, None)
        if isinstance(found, property):
            told[name] = answer(lambda name=name: getattr(there, name))  # type: ignore[misc]
        else:
            told[name] = answer(lambda name=name: getattr(there, name)())  # type: ignore[misc]
    told["capabilities"] = answer(lambda: unnamed(there.get_capabilities()))
    told["domain capabilities"] = answer(there.get_domain_capabilities)
    for arch, machine in MACHINES:
        told[f"machine {arch} {machine}"] = answer(
            lambda a=arch, m=machine: there.get_canonical_machine_type(a, m)  # type: ignore[misc]
        )
    for model in MODELS:
        cpu = config.LibvirtConfigGuestCPU()
        cpu.model, cpu.mode = model, "custom"
        xml = cpu.to_xml()
        told[f"compare {model}"] = answer(lambda x=xml: there.compare_cpu(x))  # type: ignore[misc]
        told[f"compare with emulator {model}"] = answer(
            lambda x=xml: there.compare_hypervisor_cpu(x)  # type: ignore[misc]
        )
    nova = driver.LibvirtDriver(None)
    for name in TRAITS:
        told[name] = answer(getattr(nova, name))
    return told


def unnamed(capabilities: Any) -> Any:
    """Leave out the number of the host, which each daemon makes up where the firmware has none."""
    capabilities.host.uuid = None
    return capabilities


if __name__ == "__main__":
    print(json.dumps(asked(*sys.argv[1:3]), sort_keys=True, indent=1), flush=True)
    # Nova's threads wait for events for as long as there is a process
    os._exit(0)
