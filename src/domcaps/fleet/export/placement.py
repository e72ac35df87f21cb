"""Traits of OpenStack Placement: through its API, and as provider configuration of nova-compute.

A trait that is missing in ``provider.yaml`` stays with the provider (Nova adds, and removes only
what it added itself while it runs). So traits are set through Placement's API: those of domcaps
that a host has no more are removed, all others stay. The provider's generation protects what
others change at the same time: Placement then answers with 409, and domcaps reads again.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.errors import FleetError
from domcaps.fleet.export.labels import features_of
from domcaps.fleet.export.names import TRAIT_PREFIX, trait_name, trait_names
from domcaps.fleet.export.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domcaps.fleet.features import HostFeatures

VERSION = "placement 1.6"
"""The first version of the API that has traits."""

_SECONDS = 30.0
_LARGEST = 8 << 20
_TRIES = 5
_CONFLICT = 409
_UUID = re.compile(r"[0-9a-fA-F-]{32,36}", re.ASCII)


class ProviderTraits(msgspec.Struct, frozen=True):
    """What changed for a host; `error` says why nothing did."""

    host: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    error: str = ""


def traits_by_host(hosts: Iterable[HostFeatures]) -> dict[str, frozenset[str]]:
    """Name the traits of each host; equal features have equal names on all hosts."""
    features = {name: frozenset(features_of(host)) for host in hosts for name in host.hosts}
    classes = {name: f"class_{host.class_id}" for host in hosts for name in host.hosts}
    names = trait_names(feature for some in features.values() for feature in some)
    return {
        host: frozenset({*(names[one] for one in some), trait_name(classes[host])})
        for host, some in features.items()
    }


def provider_yaml(hosts: Iterable[HostFeatures]) -> str:
    """Give a file of ``/etc/nova/provider_config/``."""
    providers = [
        {"identification": {"name": host}, "traits": {"additional": sorted(traits)}}
        for host, traits in sorted(traits_by_host(list(hosts)).items())
    ]
    return to_yaml({"meta": {"schema_version": "1.0"}, "providers": providers})


class Placement:
    """The few calls of Placement's API that traits need."""

    def __init__(self, url: str, token: str = "") -> None:
        """Note the address of the API, without a path of a resource."""
        if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
            raise FleetError(f"{url[:200]!r} is not the address of Placement's API")
        self._url = url.rstrip("/")
        self._headers = {"OpenStack-API-Version": VERSION, "Accept": "application/json"}
        if token:
            self._headers["X-Auth-Token"] = token

    def set_traits(self, hosts: Iterable[HostFeatures]) -> Iterator[ProviderTraits]:
        """Set the traits of hosts; a host that fails does not stop the others."""
        created: set[str] = set()
        for host, wanted in sorted(traits_by_host(list(hosts)).items()):
            try:
                for trait in sorted(wanted - created):
                    self._call("PUT", f"/traits/{trait}")
                    created.add(trait)
                yield self._set(host, wanted)
            except FleetError as error:
                yield ProviderTraits(host, error=str(error))

    def _set(self, host: str, wanted: frozenset[str]) -> ProviderTraits:
        provider = self._provider(host)
        for _ in range(_TRIES):
            found = self._call("GET", f"/resource_providers/{provider}/traits")
            now = {str(trait) for trait in _listed(found, "traits")}
            kept = {trait for trait in now if not trait.startswith(TRAIT_PREFIX)}
            added, removed = wanted - now, now - kept - wanted
            if not added and not removed:
                return ProviderTraits(host)
            body = {
                "traits": sorted(kept | wanted),
                "resource_provider_generation": found.get("resource_provider_generation"),
            }
            try:
                self._call("PUT", f"/resource_providers/{provider}/traits", body)
            except _ConflictError:
                continue
            return ProviderTraits(host, tuple(sorted(added)), tuple(sorted(removed)))
        raise FleetError(f"the provider changed during each of {_TRIES} attempts", where=host)

    def _provider(self, host: str) -> str:
        query = urllib.parse.urlencode({"name": host})
        found = _listed(self._call("GET", f"/resource_providers?{query}"), "resource_providers")
        provider = next((one for one in found if isinstance(one, dict)), {}).get("uuid", "")
        if not _UUID.fullmatch(str(provider)):
            raise FleetError("Placement has no resource provider of this name", where=host)
        return str(provider)

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = dict(self._headers)
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(  # noqa: S310 - http and https only
            self._url + path, data=data, headers=headers, method=method
        )
        try:
            with _OPENER.open(request, timeout=_SECONDS) as reply:
                return _decoded(reply.read(_LARGEST + 1), path)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _CONFLICT:
                    raise _ConflictError(f"conflict at {path}") from error
            raise FleetError(f"Placement refuses {method} {path}: {error.code}") from error
        except (OSError, ValueError) as error:
            raise FleetError(f"Placement can't be reached: {error}", where=self._url) from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is for the address that was given, and for no other."""

    def redirect_request(self, *_: object) -> None:
        """Follow no redirection: it is an error of HTTP."""


_OPENER = urllib.request.build_opener(_NoRedirects())


class _ConflictError(FleetError):
    """Another client changed the provider meanwhile."""


def _decoded(data: bytes, path: str) -> dict[str, Any]:
    if len(data) > _LARGEST:
        raise FleetError(f"Placement's answer to {path} is too large")
    if not data.strip():
        return {}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FleetError(f"Placement's answer to {path} is no JSON") from error
    return found if isinstance(found, dict) else {}


def _listed(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []
