"""Validation in which less is settled by other domains, to compare with that of `Host`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from domcaps.validate.check import Validation, all_checks, validate
from domcaps.validate.fitting import with_fitting_values

if TYPE_CHECKING:
    import domcaps
    from domcaps.validate.target import OpenWorld


def validate_by_skeletons(
    host: domcaps.Host, data: bytes, libvirt: str = DEFAULT_DIALECT, *, new: bool = True
) -> Validation:
    """Do as `Host.validate` does for a document of other bytes: whole verdicts are not kept."""
    open_world = partial(host.known_world, libvirt=libvirt)
    return _fitting(validate(data, open_world, new=new), open_world, new=new)


def validate_without_memo(
    host: domcaps.Host, data: bytes, libvirt: str = DEFAULT_DIALECT, *, new: bool = True
) -> Validation:
    """Do as `Host.validate` does, and check everything that is declared."""
    open_world = partial(host.known_world, libvirt=libvirt)
    done = validate(data, open_world, new=new, checks_of=all_checks)
    return _fitting(done, open_world, new=new)


def _fitting(done: Validation, open_world: OpenWorld, *, new: bool) -> Validation:
    """List only values that the rest of the domain permits, as `Host.validate` does."""
    return done if done.accepted else with_fitting_values(done, open_world, new=new)
