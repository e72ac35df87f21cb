"""Families of machine types, and the boards whose devices are soldered on."""
