"""What a person can do about a missing choice, and where libvirt's report is incomplete."""
