"""domcaps: what can a virtual machine be given here?"""
