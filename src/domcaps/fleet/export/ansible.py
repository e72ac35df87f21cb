"""Facts for Ansible: an inventory with variables of all hosts, or the local facts of one host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from domcaps.fleet.export.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.features import HostFeatures


def inventory(hosts: Iterable[HostFeatures]) -> str:
    """Give an inventory: the variable ``domcaps`` of each host, and a group for each class."""
    listed = list(hosts)
    named = {name: {"domcaps": facts_of(host)} for host in listed for name in host.hosts}
    children = {f"domcaps_{host.class_id}": {"hosts": dict.fromkeys(host.hosts)} for host in listed}
    return to_yaml({"all": {"hosts": named, "children": children}})


def local_facts(host: HostFeatures) -> str:
    """Give the file ``/etc/ansible/facts.d/domcaps.fact`` of a host."""
    return json.dumps(facts_of(host), indent=1) + "\n"


def facts_of(host: HostFeatures) -> dict[str, Any]:
    """Give the facts of a host as values of JSON."""
    return {
        "class": host.class_id,
        "guests": [
            {
                "arch": guest.arch,
                "emulator": guest.emulator,
                "qemu": guest.qemu,
                "libvirt": guest.libvirt,
                "virttype": guest.virttype,
                "features": list(guest.features),
                "machines": {
                    group.name: {"machines": list(group.machines), "more": list(group.more)}
                    for group in guest.groups
                },
            }
            for guest in host.guests
        ],
    }
