"""``<memoryBacking>``: what the guest's memory is made of on the host.

::

    <memoryBacking>
      <source type='memfd'/>
    </memoryBacking>
"""

from domcaps.language import Choice, Element, Enum, Place
from domcaps.language.observed import qom_type

SOURCE_TYPE = Enum(
    "sourceType",
    attribute="source/@type",
    choices=(
        Choice("file"),
        Choice("anonymous"),
        Choice("memfd", qom_type("memory-backend-memfd")),
    ),
)

ELEMENT = Element("memoryBacking", place=Place.TOP, order=50, content=(SOURCE_TYPE,))
