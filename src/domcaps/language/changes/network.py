"""Changes of network interfaces."""

from __future__ import annotations

from domcaps.language.change import DOCUMENT, NEWS, change, estimate

INTERFACE_PASST = change("9.0", NEWS, "<backend type='passt'> and <portForward> are supported")
INTERFACE_NAMES = change("11.8", NEWS, "attribute 'hostname' of <backend> of passt is supported")
INTERFACE_VLAN_DEFINED = estimate(
    "12.4", "between 11.4 and 12.4", "an unsupported <vlan> is refused when the domain is defined"
)
INTERFACE_ROUTES = estimate(
    "12.2",
    "libvirt-go-xml 40cc55e, of the day of that release",
    "<route> of passt is supported, with longer prefixes; the address of a route is optional",
)
INTERFACE_PORT_STRICT = estimate(
    "12.8", "seen in 12.8, not in 11.3", "parameters of <virtualport> must be decimal"
)
INTERFACE_REPORTED = change("10.6", NEWS, "reports include interface with its back ends")
INTERFACE_MEMORY = change("11.2", NEWS, "<interface type='vhostuser'> requires shared memory")
INTERFACE_DEFAULT = change("10.6", NEWS, "the default network back end requires a QEMU with SLIRP")
INTERFACE_FORWARDS_CHECKED = estimate(
    "9.1", "9.0 and 9.8 differ", "<portForward> requires <backend type='passt'>"
)
INTERFACE_VHOST_PASST = change(
    "11.1", NEWS, "<interface type='vhostuser'> supports <backend type='passt'>"
)
INTERFACE_OF_OTHERS = change(
    "8.7",
    DOCUMENT,
    "<interface type='null'> and type='vds' are known, and refused for QEMU at start",
)
INTERFACE_USB = change("10.3", NEWS, "USB network cards are assigned an address")
INTERFACE_VLAN_OF_BRIDGES = change("11.0", NEWS, "<vlan> is supported on Linux bridges")
INTERFACE_VDPA_QUEUES = estimate(
    "8.0", "7.0 and 9.0 differ", "vDPA interfaces may have several queues"
)
INTERFACE_COALESCE_OPTIONAL = estimate(
    "7.4", "7.0 and 9.0 differ", "the values of <coalesce> are optional"
)
INTERFACE_BACKEND_READ = change(
    "9.0", NEWS, "attribute 'type' of <backend> of interfaces is supported"
)
PAGE_PER_VQ = change("7.9", "git 388cdd11f3", "virtio devices have the option page_per_vq")
