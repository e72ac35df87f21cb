"""``<lease>``: what the host's lock manager must grant before the guest starts.

::

    <lease>
      <lockspace>somearea</lockspace>
      <key>thatone</key>
      <target path='/some/lease/path' offset='1024'/>
    </lease>
"""

from domcaps.language.changes.schema import VALUES_STRICT
from domcaps.language.part import Part, field
from domcaps.language.value_types import TEXT, UNSIGNED64, WRAPPING64, Text

_NAME = Text(r"(?s).+", "a name")


class Lease(Part):
    """A lease that is held as long as the guest runs."""

    path = "devices/lease"
    knows = ("target",)

    lockspace = field(
        "lockspace",
        _NAME,
        strict=VALUES_STRICT,
        required=True,
        expected="the name of the lockspace, such as 'space1'",
    )
    key = field(
        "key",
        _NAME,
        strict=VALUES_STRICT,
        before=TEXT,
        required=True,
        expected="the name of the resource, such as 'disk1'",
    )
    file = field(
        "target/@path",
        required=True,
        expected="the path of the file of leases, such as '/var/lib/lease'",
    )
    offset = field(
        "target/@offset",
        UNSIGNED64,
        strict=VALUES_STRICT,
        before=WRAPPING64,
        expected="a number of bytes, such as '1024'",
    )
