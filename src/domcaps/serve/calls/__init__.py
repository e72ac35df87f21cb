"""The procedures that clients may call, a module for each part of libvirt's API.

A module offers its procedures by decorating functions (`domcaps.serve.procedures`); every module
of this package is imported when the list is first needed, so that a new one is one new file.
"""
