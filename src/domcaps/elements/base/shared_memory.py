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

if TYPE_CHECKING:
    from domcaps.language.domain import Domain


def shares_memory(domain: Domain) -> bool:
    """Tell whether all of a domain's memory is shared, cell by cell where it has NUMA cells."""
    shared = any(node.get("mode") == "shared" for node in domain.find("memoryBacking/access"))
    cells = [cell.get("memAccess") for cell in domain.find("cpu/numa/cell")]
    if not cells:
        return shared
    return all(access == "shared" or (access is None and shared) for access in cells)


SHARED_MEMORY = Fix(
    add="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
)
"""What lets another process see the guest's memory."""
