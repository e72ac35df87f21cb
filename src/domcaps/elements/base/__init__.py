"""What every device has: addresses, metadata and options of virtio."""
