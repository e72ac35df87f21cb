"""Changes of network interfaces."""

from __future__ import annotations

from domcaps.language.change import NEWS, change, estimate

INTERFACE_PASST = change("9.0", NEWS, "the back end passt, and port forwards")
INTERFACE_NAMES = change("11.8", NEWS, "passt tells host names")
INTERFACE_VLAN_DEFINED = estimate(
    "12.4", "between 11.4 and 12.4", "a VLAN where there can be none is refused by definition"
)
INTERFACE_ROUTES = estimate(
    "12.8",
    "seen in 12.8, not in 11.3",
    "passt tells routes and takes longer prefixes; a route does without an address",
)
INTERFACE_PORT_STRICT = estimate(
    "12.8", "seen in 12.8, not in 11.3", "parameters of virtual ports are decimal"
)
INTERFACE_REPORTED = change("10.6", NEWS, "reports have interface with its back ends")
INTERFACE_MEMORY = change("11.2", NEWS, "interfaces of vhost-user need shared memory")
INTERFACE_DEFAULT = change(
    "10.6", NEWS, "whether QEMU has SLIRP, the default back end, is looked at"
)
INTERFACE_FORWARDS_CHECKED = estimate(
    "9.1", "9.0 and 9.8 differ", "port forwards without passt are refused"
)
INTERFACE_VHOST_PASST = change("11.1", NEWS, "interfaces of vhost-user by passt")
INTERFACE_USB = change("10.3", NEWS, "cards on USB are given an address")
INTERFACE_VLAN_OF_BRIDGES = change("11.0", NEWS, "VLAN tags on bridges of Linux")
INTERFACE_VDPA_QUEUES = estimate("8.0", "7.0 and 9.0 differ", "vDPA cards with several queues")
INTERFACE_COALESCE_OPTIONAL = estimate(
    "7.4", "7.0 and 9.0 differ", "<coalesce> can be without a number"
)
INTERFACE_BACKEND_READ = change("9.0", NEWS, "the type of an interface's back end")
PAGE_PER_VQ = change("7.9", "git 388cdd11f3", "the option page_per_vq of virtio devices")
