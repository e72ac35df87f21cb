"""Where devices go: addresses, buses and the controllers that libvirt adds."""
