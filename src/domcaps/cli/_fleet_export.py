"""``domcaps fleet export``: the features of hosts for schedulers, monitors and Ansible."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from domcaps import files
from domcaps.cli._common import libvirt_option
from domcaps.cli._fleet_output import end_document, write
from domcaps.cli._notes import note
from domcaps.text import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.fleet.features import HostFeatures
    from domcaps.fleet.fleet import Fleet

FORMS = (
    "json", "nfd", "nodefeature", "node-selector", "placement", "provider-yaml", "prometheus",
    "ansible",
)  # fmt: skip
_TOKEN = "OS_TOKEN"  # noqa: S105 - the name of a variable


@click.command("export")
@click.argument("store", metavar="STORE")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    required=True,
    help="What to write; see docs/exports.md.",
)
@click.option(
    "--host", "names", metavar="NAME", multiple=True, help="Only this host; may be repeated."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE|FOLDER",
    type=click.Path(path_type=Path),
    help="File to write, by a rename; for 'nfd' without --host a folder with a file for each host "
    "[default: standard output].",
)
@click.option("--domain", metavar="FILE", help="With 'node-selector': the domain to place.")
@click.option("--url", metavar="URL", help="With 'placement': address of Placement's API.")
@libvirt_option()
def export(
    *,
    store: str,
    form: str,
    names: tuple[str, ...],
    output: Path | None,
    domain: str | None,
    url: str | None,
    libvirt: str,
) -> None:
    """Write the features of hosts for schedulers, monitors and Ansible.

    \b
      domcaps fleet export STORE --format nfd --host node-1 -o /etc/…/features.d/domcaps
      domcaps fleet export STORE --format prometheus -o /var/lib/…/domcaps.prom
      domcaps fleet export STORE --format placement --url http://placement:8778

    A host gets a common set of features, that of all its machine types, and what groups of machine
    types add. With 'placement', traits are set through the API, with the token in OS_TOKEN; traits
    of features that a host has no more are removed.

    Exit code: 0 if all is written, 1 if a host could not be set in Placement, 2 on error.
    """  # noqa: D301 - click takes the character, not its name
    from domcaps.fleet.features import features_by_class
    from domcaps.fleet.fleet import Fleet

    _require(form, domain=domain, url=url)
    fleet = Fleet.open(store)
    unread = {one.host for one in fleet.unread}
    # raises for a host that the store lacks, or that can't be read
    fleet.manifests(sorted(set(names).difference(fleet.hosts.names)))
    hosts = list(features_by_class(fleet, libvirt, names or None))
    failed = False
    if form == "placement":
        failed = _set_traits(str(url), hosts)
    elif form == "nfd" and output is not None and not names:
        from domcaps.fleet.export.files import write_folder
        from domcaps.fleet.export.nfd import feature_file

        texts = {name: feature_file(one) for one in hosts for name in one.hosts}
        for gone in write_folder(output, texts, unread):
            note(f"{gone}: deleted, the store does not have this host")
    else:
        write(_text(form, fleet, hosts, domain, libvirt, single=len(names) == 1), output)
    end_document(fleet.unread, "is not exported", refused=failed)


def _require(form: str, *, domain: str | None, url: str | None) -> None:
    for option, value, wanted in (
        ("--domain", domain, "node-selector"),
        ("--url", url, "placement"),
    ):
        if value is None and form == wanted:
            raise click.UsageError(f"--format {wanted} requires {option}")
        if value is not None and form != wanted:
            raise click.UsageError(f"{option} belongs to --format {wanted}")


def _set_traits(url: str, hosts: Iterable[HostFeatures]) -> bool:
    from domcaps.fleet.export.placement import Placement

    failed = False
    for done in Placement(url, os.environ.get(_TOKEN, "")).set_traits(hosts):
        failed = failed or bool(done.error)
        told = done.error or f"{len(done.added)} traits added, {len(done.removed)} removed"
        note(f"{done.host}: {told}")
    return failed


def _text(
    form: str,
    fleet: Fleet,
    hosts: list[HostFeatures],
    domain: str | None,
    libvirt: str,
    *,
    single: bool,
) -> str:
    if form == "node-selector":
        return _selector(fleet, hosts, str(domain), libvirt)
    if form == "prometheus":
        from domcaps.fleet.export.prometheus import exposition, metrics_of

        return exposition(metrics_of(fleet, hosts))
    if form == "nfd":
        return _feature_file(hosts, single=single)
    from domcaps.fleet.export import ansible, kubernetes, placement

    if form == "ansible":
        return ansible.local_facts(hosts[0]) if single else ansible.inventory(hosts)
    if form == "nodefeature":
        return kubernetes.node_features(hosts)
    if form == "provider-yaml":
        return placement.provider_yaml(hosts)
    return _json(hosts)


def _feature_file(hosts: list[HostFeatures], *, single: bool) -> str:
    from domcaps.fleet.export.nfd import feature_file

    if not single:
        raise click.UsageError("a feature file is for one host: --host NAME, or --output FOLDER")
    return feature_file(hosts[0])


def _selector(fleet: Fleet, hosts: list[HostFeatures], name: str, libvirt: str) -> str:
    from domcaps.fleet.export.kubernetes import selector_of, selector_yaml
    from domcaps.validate.document.parse import MAX_BYTES

    data = files.read_input(name, MAX_BYTES + 1)
    accepted = fleet.accepts(data, libvirt, name=name).accepted
    return selector_yaml(selector_of(hosts, accepted, name))


def _json(hosts: list[HostFeatures]) -> str:
    return to_json({"version": 1, "results": hosts}) + "\n"
