"""``<features>``: hypervisor features, Hyper-V enlightenments, and confidential guests."""
