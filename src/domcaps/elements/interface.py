"""``<interface>``: network cards.

::

    <interface type='user'>
      <backend type='passt'/>
      <model type='virtio'/>
    </interface>
"""

from domcaps.language import Choice, Element, Enum
from domcaps.language.observed import qapi

BACKEND_TYPE = Enum(
    "backendType",
    attribute="backend/@type",
    choices=(
        # QEMU's own user-mode network: it may be built without
        Choice("default", qapi("netdev_add/arg/case=user")),
        # passt hands over packets through a stream socket
        Choice("passt", qapi("netdev_add/arg/case=stream")),
    ),
    sample="<interface type='user'><backend type='{value}'/></interface>",
)

ELEMENT = Element("interface", order=110, content=(BACKEND_TYPE,))
