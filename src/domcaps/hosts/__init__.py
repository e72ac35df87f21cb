"""Hosts and what they can give a virtual machine: live, recorded, and several at once."""
