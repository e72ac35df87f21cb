"""Room of the table: buses, one record for each, that several elements read."""
