"""Objects for Kubernetes: labels of nodes by NFD's ``NodeFeature``, and where a domain may run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.errors import FleetError
from domcaps.fleet.export.labels import CLASS_LABEL, labels_of
from domcaps.fleet.export.names import label_value
from domcaps.fleet.export.yaml_text import to_yaml
from domcaps.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.features import HostFeatures

NFD_NAMESPACE = "feature.node.kubernetes.io/"
"""What NFD puts before the names of labels that have no namespace."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "domcaps"}
_NOT_NAME = re.compile(r"[^a-z0-9.-]+", re.ASCII)
_LONGEST_NAME = 200


def node_features(hosts: Iterable[HostFeatures], namespace: str = "node-feature-discovery") -> str:
    """Give a ``NodeFeature`` for each host, as documents of one YAML stream.

    A new version of an object replaces the labels of the former one.
    """
    return "".join(
        f"---\n{to_yaml(_node_feature(name, labels, namespace))}"
        for host in hosts
        for labels in (labels_of(host),)
        for name in host.hosts
    )


def _node_feature(host: str, labels: dict[str, str], namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "nfd.k8s-sigs.io/v1alpha1",
        "kind": "NodeFeature",
        "metadata": {
            "name": f"domcaps-{object_name(host)}",
            "namespace": namespace,
            "labels": {**MANAGED_BY, "nfd.node.kubernetes.io/node-name": label_value(host)},
        },
        "spec": {"labels": labels},
    }


def object_name(host: str) -> str:
    """Give a host's name in the letters of names of objects."""
    return _NOT_NAME.sub("-", host.lower())[:_LONGEST_NAME].strip(".-")


class Selector(msgspec.Struct, frozen=True):
    """Labels that exactly the accepting hosts have, as far as labels can tell them apart.

    `labels` is None where no combination of labels tells them apart; `classes` always does.
    """

    domain: str
    labels: dict[str, str] | None
    classes: tuple[str, ...]
    accepted: int
    refused: int


def selector_of(
    hosts: Iterable[HostFeatures], accepted: Iterable[str], domain: str = "domain"
) -> Selector:
    """Choose few labels that all accepting hosts have, and of which every refusing host lacks one.

    The labels of what a machine type adds count, too. Which labels are chosen depends on the hosts
    that there are: choose again when hosts change.
    """
    taken = set(accepted)
    listed = list(hosts)
    yes = [host for host in listed if taken.intersection(host.hosts)]
    no = [host for host in listed if not taken.issuperset(host.hosts)]
    both = {host.class_id for host in yes} & {host.class_id for host in no}
    labels = None if both or not yes else _telling(yes, no)
    return Selector(
        domain,
        None if labels is None else {f"{NFD_NAMESPACE}{name}": value for name, value in labels},
        tuple(sorted(host.class_id for host in yes)),
        sum(len(taken.intersection(host.hosts)) for host in listed),
        sum(len(set(host.hosts) - taken) for host in listed),
    )


def _telling(yes: list[HostFeatures], no: list[HostFeatures]) -> list[tuple[str, str]] | None:
    shared = set.intersection(*(set(labels_of(host).items()) for host in yes))
    left = [set(labels_of(host).items()) for host in no]
    chosen: list[tuple[str, str]] = []
    while left:
        counts = {one: sum(one not in host for host in left) for one in sorted(shared)}
        best = max(counts, key=counts.__getitem__)
        if not counts[best]:
            return None
        chosen.append(best)
        left = [host for host in left if best in host]
    return sorted(chosen)


def selector_yaml(selector: Selector) -> str:
    """Give the parts of a virtual machine's ``spec`` that place it.

    Raises `FleetError` for a domain that no host accepts.
    """
    if not selector.accepted:
        raise FleetError("no host accepts the domain", where=selector.domain)
    spec: dict[str, Any] = {}
    if selector.labels:
        spec["nodeSelector"] = selector.labels
    if selector.labels is None:
        expression = {
            "key": f"{NFD_NAMESPACE}{CLASS_LABEL}",
            "operator": "In",
            "values": list(selector.classes),
        }
        terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
        spec["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}
        }
    name = one_line(selector.domain)
    head = f"# {name}: {selector.accepted} hosts accept it, {selector.refused} refuse it\n"
    return head + (to_yaml(spec) if spec else "# no selector is needed\n{}\n")
