"""Calls about networks: those of the host, which are only listed, and those of a sandbox."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

from domcaps.serve.calls.by_name import only_in_sandbox, require_sandbox
from domcaps.serve.calls.known_host import knows_host
from domcaps.serve.errors import ErrorDomain, ErrorNumber, LibvirtError
from domcaps.serve.events import NETWORK, ObjectEvent
from domcaps.serve.host_objects import ServedObjects, host_objects
from domcaps.serve.networks import Network, network_of
from domcaps.serve.procedures import procedure
from domcaps.serve.session import check_flags, check_most
from domcaps.serve.xdr import INT, STRING, UINT, UUID, XML, Array, Codec, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from domcaps.serve.inventory import Inventory
    from domcaps.serve.session import ClientSession

NETWORK_FORM = Record(STRING, UUID)
NetworkHandle = tuple[str, bytes]
_MOST = 16384
_MOST_NETWORKS = 100


def find_network(session: ClientSession, handle: NetworkHandle) -> Network:
    """Give a network by its UUID; raises `LibvirtError`."""
    found = session.inventory.networks.get(handle[1])
    if found is None:
        raise _not_found(f"no network with matching uuid '{uuid.UUID(bytes=handle[1])}'")
    return found


def _not_found(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.NO_NETWORK, detail, ErrorDomain.NETWORK)


def _invalid(detail: str) -> LibvirtError:
    return LibvirtError(ErrorNumber.OPERATION_INVALID, detail, ErrorDomain.NETWORK)


# -- what there is ---------------------------------------------------------------------------------


def _fits(network: Network, flags: int) -> bool:
    """Tell whether a network fits ``VIR_CONNECT_LIST_NETWORKS_…``."""
    own = 0x2 if network.active else 0x1
    own |= 0x4 if network.lasting else 0x8
    own |= 0x10 if network.autostart else 0x20
    return all(not flags & group or flags & group & own for group in (0x3, 0xC, 0x30))


@knows_host(283, takes=(INT, UINT), gives=(Array(NETWORK_FORM, _MOST), UINT))
def connect_list_all_networks(
    session: ClientSession, need_results: int, flags: int
) -> tuple[list[NetworkHandle], int]:
    """List those that fit the flags."""
    networks = session.inventory.networks.values()
    found = [network.handle for network in networks if _fits(network, flags)]
    return (found if need_results else []), len(found)


def _names(session: ClientSession, *, active: bool) -> list[str]:
    return [one.name for one in session.inventory.networks.values() if one.active is active]


def _offer_names(count: int, names: int, *, active: bool) -> None:
    @knows_host(count, gives=(INT,))
    def number_of_networks(session: ClientSession) -> tuple[int]:
        """Count networks."""
        return (len(_names(session, active=active)),)

    @knows_host(names, takes=(INT,), gives=(Array(STRING, _MOST),))
    def names_of_networks(session: ClientSession, most: int) -> tuple[list[str]]:
        """Name networks."""
        check_most(most, _MOST, "names", "NETWORK")
        return (_names(session, active=active)[:most],)


_offer_names(52, 38, active=True)
_offer_names(50, 36, active=False)


@knows_host(46, takes=(STRING,), gives=(NETWORK_FORM,))
def network_lookup_by_name(session: ClientSession, name: str) -> tuple[NetworkHandle]:
    """Find one by its name."""
    for network in session.inventory.networks.values():
        if network.name == name:
            return (network.handle,)
    raise _not_found(f"no network with matching name '{name}'")


@knows_host(47, takes=(UUID,), gives=(NETWORK_FORM,))
def network_lookup_by_uuid(session: ClientSession, identity: bytes) -> tuple[NetworkHandle]:
    """Find one by its UUID."""
    return (find_network(session, ("", identity)).handle,)


@knows_host(43, takes=(NETWORK_FORM, UINT), gives=(STRING,))
def network_get_xml_desc(session: ClientSession, handle: NetworkHandle, flags: int) -> tuple[str]:
    """Give its XML."""
    check_flags(flags, 1)
    return (find_network(session, handle).xml,)


@knows_host(45, takes=(NETWORK_FORM,), gives=(STRING,))
def network_get_bridge_name(session: ClientSession, handle: NetworkHandle) -> tuple[str]:
    """Name its bridge."""
    network = find_network(session, handle)
    if not network.bridge:
        detail = f"network '{network.name}' does not have a bridge name."
        raise LibvirtError(ErrorNumber.INTERNAL_ERROR, detail, ErrorDomain.NETWORK)
    return (network.bridge,)


def _offer_truth(number: int, fits: Callable[[Network], bool]) -> None:
    @knows_host(number, takes=(NETWORK_FORM,), gives=(INT,))
    def network_is(session: ClientSession, handle: NetworkHandle) -> tuple[int]:
        """Tell whether a network is so."""
        return (int(fits(find_network(session, handle))),)


_offer_truth(44, lambda network: network.autostart)
_offer_truth(152, lambda network: network.active)
_offer_truth(153, lambda network: network.lasting)


# -- networks of a sandbox -------------------------------------------------------------------------


def _keep(session: ClientSession, network: Network, *, start: bool) -> tuple[NetworkHandle]:
    inventory = session.inventory
    _check_room(inventory, network)
    known = inventory.networks.get(network.uuid)
    if start and known is not None and known.active:
        raise _invalid(f"network '{network.name}' is already active")
    network.lasting = not start or (known is not None and known.lasting)
    network.active = start or (known is not None and known.active)
    network.autostart = known is not None and known.autostart
    inventory.keep(network.uuid, network.size)
    inventory.networks[network.uuid] = network
    _tell(session, network, ObjectEvent.STARTED if start else ObjectEvent.DEFINED)
    return (network.handle,)


def _check_room(inventory: Inventory, network: Network) -> None:
    for other in inventory.networks.values():
        if (other.name == network.name) != (other.uuid == network.uuid):
            detail = (
                f"network '{other.name}' already exists with uuid {uuid.UUID(bytes=other.uuid)}"
            )
            raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.NETWORK)
        if network.bridge and other.bridge == network.bridge and other.uuid != network.uuid:
            detail = f"bridge name '{network.bridge}' already in use."
            raise LibvirtError(ErrorNumber.INTERNAL_ERROR, detail, ErrorDomain.NETWORK)
    if len(inventory.networks) >= _MOST_NETWORKS:
        detail = f"{_MOST_NETWORKS} networks were defined in this sandbox"
        raise LibvirtError(ErrorNumber.OPERATION_FAILED, detail, ErrorDomain.NETWORK)


def _tell(session: ClientSession, network: Network, event: ObjectEvent) -> None:
    session.inventory.send(NETWORK, network.uuid, (network.handle, event, 0))


class _NetworkRequest(msgspec.Struct, frozen=True):
    """Names of bridges that are in use, and whether the host's own have to be read as well."""

    bridges: frozenset[str]
    reads_host: bool


class _NetworkResult(msgspec.Struct, frozen=True):
    """The network, and what the host has if that was read."""

    network: Network
    host: ServedObjects | None


def _request(session: ClientSession, *_: object) -> bytes:
    inventory = session.inventory
    bridges = frozenset(network.bridge for network in inventory.networks.values())
    return msgspec.msgpack.encode(_NetworkRequest(bridges, not inventory.knows_host))


def _offer_definition(number: int, *, start: bool, takes: tuple[Codec, ...]) -> None:
    def keep(session: ClientSession, found: _NetworkResult, *_: object) -> tuple[NetworkHandle]:
        if found.host is not None:
            session.inventory.learn(found.host)
        return _keep(session, found.network, start=start)

    @procedure(
        number, takes=takes, gives=(NETWORK_FORM,), slow=True, given=_request,
        keeps=_NetworkResult, then=keep,
    )  # fmt: skip
    def network_define_xml(session: ClientSession, xml: bytes, *_: object) -> _NetworkResult:
        """Define a network, or start one that is not defined."""
        require_sandbox(session, number)
        asked = msgspec.msgpack.decode(session.given, type=_NetworkRequest)
        host = host_objects(session) if asked.reads_host else None
        known = frozenset(one.bridge for one in host.networks) if host else frozenset()
        return _NetworkResult(network_of(xml, asked.bridges | known), host)


_offer_definition(40, start=True, takes=(XML,))
_offer_definition(437, start=True, takes=(XML, UINT))
_offer_definition(41, start=False, takes=(XML,))
_offer_definition(432, start=False, takes=(XML, UINT))


@only_in_sandbox(39, takes=(NETWORK_FORM,))
def network_create(session: ClientSession, handle: NetworkHandle) -> None:
    """Start a network that was defined."""
    network = find_network(session, handle)
    if network.active:
        raise _invalid("network is already active")
    network.active = True
    _tell(session, network, ObjectEvent.STARTED)


@only_in_sandbox(42, takes=(NETWORK_FORM,))
def network_destroy(session: ClientSession, handle: NetworkHandle) -> None:
    """Stop a network; one that is not defined is gone then."""
    network = find_network(session, handle)
    if not network.active:
        raise _invalid(f"network '{network.name}' is not active")
    network.active = False
    if not network.lasting:
        _forget(session, network)
    _tell(session, network, ObjectEvent.STOPPED)


@only_in_sandbox(49, takes=(NETWORK_FORM,))
def network_undefine(session: ClientSession, handle: NetworkHandle) -> None:
    """Forget the definition; a network that is active stays until it is stopped."""
    network = find_network(session, handle)
    network.lasting = network.autostart = False
    if not network.active:
        _forget(session, network)
    _tell(session, network, ObjectEvent.UNDEFINED)


def _forget(session: ClientSession, network: Network) -> None:
    session.inventory.drop(network.uuid)
    del session.inventory.networks[network.uuid]


@only_in_sandbox(48, takes=(NETWORK_FORM, INT))
def network_set_autostart(session: ClientSession, handle: NetworkHandle, autostart: int) -> None:
    """Note whether a network is to be started with the host."""
    network = find_network(session, handle)
    if not network.lasting:
        raise _invalid("cannot set autostart for transient network")
    network.autostart = bool(autostart)
