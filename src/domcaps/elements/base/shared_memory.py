"""Whether a domain shares its memory with other processes: vhost-user needs that.

::

    <memoryBacking>
      <source type='memfd'/>
      <access mode='shared'/>
    </memoryBacking>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.fix import Fix
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Node

    from domcaps.language.domain import Domain


def shares_memory(domain: Domain) -> bool:
    """Tell whether all of a domain's memory is shared, cell by cell where it has NUMA cells."""
    shared = any(node.get("mode") == "shared" for node in domain.find("memoryBacking/access"))
    cells = [cell.get("memAccess") for cell in domain.find("cpu/numa/cell")]
    if not cells:
        return shared
    return all(access == "shared" or (access is None and shared) for access in cells)


def _private(domain: Domain) -> list[Node]:
    """Give the NUMA cells that say that their memory is not shared."""
    cells = domain.find("cpu/numa/cell")
    return [cell for cell in cells if cell.get("memAccess") not in {None, "shared"}]


def how_to_share(domain: Domain) -> str:
    """Say what shares all memory of a domain."""
    cells = ", and set memAccess='shared' in each <cell>" if _private(domain) else ""
    return f"add <memoryBacking><access mode='shared'/></memoryBacking>{cells}"


def sharing_memory(domain: Domain) -> Fix:
    """Give what shares all memory of a domain."""
    values = tuple((f"{path_of(cell)}/@memAccess", "shared") for cell in _private(domain))
    return Fix(add=_SHARED, values=values)


_SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
