"""``<lease>``: what the host's lock manager must grant before the guest starts.

::

    <lease>
      <lockspace>somearea</lockspace>
      <key>thatone</key>
      <target path='/some/lease/path' offset='1024'/>
    </lease>
"""

from domcaps.language.part import Part, field
from domcaps.language.value_types import UNSIGNED64, Text

_NAME = Text(r"(?s).+", "a name")


class Lease(Part):
    """A lease that is held as long as the guest runs."""

    path = "devices/lease"
    knows = ("target",)

    lockspace = field("lockspace", _NAME, required=True)
    key = field("key", _NAME, required=True)
    file = field("target/@path", required=True)
    offset = field("target/@offset", UNSIGNED64)
