"""libvirt's wire protocol: clients of libvirt ask domcaps as they ask libvirtd.

Each module is one layer, the lower ones first:

- `xdr` packs and unpacks the values of the wire,
- `frames` cuts a stream of bytes into messages,
- `errors` are libvirt's errors as a client receives them,
- `hosts` gives the host that is asked about: this machine, a recording, or a folder of them,
- `xml` reads and writes the documents, `domains` and `storage` keep what a client defined,
- `calls` has a module for each part of libvirt's API, with the procedures that are offered,
- `jobs` are calls that `workers` make, apart from the loop that answers clients,
- `ledger` counts the bytes that are held for clients, `limits` says how many may be,
- `connection` serves one client, `server` all of them.
"""
