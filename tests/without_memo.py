"""Validation in which less is settled by other domains, to compare with that of `Host`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from domcaps.validate.check import Validation, all_checks, validate

if TYPE_CHECKING:
    import domcaps


def validate_by_skeletons(
    host: domcaps.Host, data: bytes, libvirt: str = DEFAULT_DIALECT, *, new: bool = True
) -> Validation:
    """Do as `Host.validate` does for a document of other bytes: whole verdicts are not kept."""
    return validate(data, partial(host.known_world, libvirt=libvirt), new=new)


def validate_without_memo(
    host: domcaps.Host, data: bytes, libvirt: str = DEFAULT_DIALECT, *, new: bool = True
) -> Validation:
    """Do as `Host.validate` does, and check everything that is declared."""
    open_world = partial(host.known_world, libvirt=libvirt)
    return validate(data, open_world, new=new, checks_of=all_checks)
