"""The agent in the guest that SPICE talks to, and what it is good for without SPICE.

QEMU can talk to the agent itself, and shares the guest's clipboard with viewers of VNC then::

    <channel type='qemu-vdagent'>
      <source>
        <clipboard copypaste='yes'/>
      </source>
      <target type='virtio' name='com.redhat.spice.0'/>
    </channel>
"""

from __future__ import annotations

from domcaps.language.changes.characters import CHARACTER_DBUS
from domcaps.language.fix import Carried, Fix
from domcaps.language.observed import qapi

VDAGENT = qapi("chardev-add/arg/backend/case=qemu-vdagent")
"""A chardev by which QEMU talks to the agent."""

TYPE = "qemu-vdagent"

CLIPBOARD = Carried(
    "devices/channel[@type='spicevmc']",
    Fix(values=(("@type", TYPE), ("source", ""), ("source/clipboard/@copypaste", "yes"))),
    says=f"type='{TYPE}', which shares the clipboard",
    # then the agent had no clipboard to share
    unless="devices/graphics[@type='spice']/clipboard[@copypaste='no']",
    since=CHARACTER_DBUS,
    when=VDAGENT,
)
"""The channel of SPICE's agent, where the guest is seen by VNC."""
