"""What libvirt's schema permits, and where a domain differs from it."""
