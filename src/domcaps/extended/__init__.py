"""What libvirt's report leaves out: more devices, and values that work only together.

Values come from the table, and whether a row is listed from the validator: there is no second list.
"""
