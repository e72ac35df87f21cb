"""Metrics of a fleet in the text format of Prometheus, for node_exporter's textfile collector."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from domcaps.fleet.compare import drift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domcaps.fleet.features import HostFeatures
    from domcaps.fleet.fleet import Fleet


class Metric(NamedTuple):
    """A metric with its help, and values by labels."""

    name: str
    help: str
    values: Sequence[tuple[dict[str, str], float]]


def metrics_of(
    fleet: Fleet, hosts: Iterable[HostFeatures], now: float | None = None
) -> Iterator[Metric]:
    """Give the metrics of all hosts; `now` is a time in seconds since 1970."""
    moment = time.time() if now is None else now
    listed = list(hosts)
    made = {one.host: _seconds(one.made_at) for one in fleet.hosts.manifests}
    ages = {name: at for name, at in sorted(made.items()) if at is not None}
    differing = Counter(one.host for one in drift(fleet))
    yield Metric("domcaps_host_info", "Class, QEMU and libvirt of a host.", [
        ({"host": name, "class": host.class_id, "qemu": _first(host, "qemu"),
          "libvirt": _first(host, "libvirt")}, 1)
        for host in listed for name in host.hosts])  # fmt: skip
    yield Metric("domcaps_recorded_timestamp_seconds", "When a host was recorded.",
                 [({"host": name}, at) for name, at in ages.items()])  # fmt: skip
    yield Metric("domcaps_recording_age_seconds", "Age of a recording when this was written.",
                 [({"host": name}, max(0, moment - at)) for name, at in ages.items()])  # fmt: skip
    yield Metric("domcaps_unknown_statements", "What a recording can't decide of a report.", [
        ({"host": name}, host.unknown) for host in listed for name in host.hosts])  # fmt: skip
    yield Metric("domcaps_features", "Features that all machine types of a host give.", [
        ({"host": name}, sum(len(guest.features) for guest in host.guests))
        for host in listed for name in host.hosts])  # fmt: skip
    yield Metric("domcaps_differing_facts", "Facts in which a host differs from most of the fleet.",
                 [({"host": name}, differing[name]) for name in fleet.hosts.names])  # fmt: skip
    yield Metric("domcaps_class_hosts", "Hosts of a class.",
                 [({"class": host.class_id}, len(host.hosts)) for host in listed])  # fmt: skip
    yield Metric("domcaps_unread_hosts", "Hosts whose recording can't be read.",
                 [({}, len(fleet.unread))])  # fmt: skip


def _first(host: HostFeatures, field: str) -> str:
    return str(getattr(host.guests[0], field)) if host.guests else ""


def _seconds(text: str) -> float | None:
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or datetime.UTC).timestamp()


def exposition(metrics: Iterable[Metric]) -> str:
    """Write metrics as a page that Prometheus scrapes."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} gauge"]
        lines += [f"{metric.name}{_labels(by)} {value:.15g}" for by, value in metric.values]
    return "\n".join([*lines, ""])


def _labels(by: dict[str, str]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in by.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
