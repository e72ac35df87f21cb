"""libvirt's wire protocol: clients of libvirt ask domcaps as they ask libvirtd.

Each file is one layer, the lower ones first:

- `xdr` packs and unpacks the values of the wire,
- `frames` cuts a stream of bytes into messages,
- `faults` are the errors of libvirt as a client is told them,
- `source` gives the host that is asked about: this machine, a recording, or many,
- `capabilities` and `domains` make what the calls answer,
- `calls` is the list of the procedures that are offered,
- `connection` serves one client, `server` all of them.
"""
