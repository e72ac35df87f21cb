"""What libvirt's schema permits: places, forms of text and repetition."""
