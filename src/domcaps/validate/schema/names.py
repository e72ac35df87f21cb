"""All names of a domain's places, as a list that was made beforehand.

To work them out of ``vocabulary.txt`` takes a tenth of the time of a first verdict. So
``elements/schema/names.txt`` has a line for each place: its attributes, and the elements inside
with the numbers of their lines. The first line is the fingerprint of all that the list was made of:
a list that is not up to date is not used. ``python tools/index_table.py`` writes the file.
"""

from __future__ import annotations

import msgspec

from domcaps.files import package_text

PACKAGE = "domcaps.elements.schema"
FILE = "names.txt"


class SchemaPlace(msgspec.Struct, eq=False):
    """What may stand at one place of a domain: all the names."""

    attributes: set[str] = msgspec.field(default_factory=set)
    children: dict[str, SchemaPlace] = msgspec.field(default_factory=dict)

    def child(self, name: str) -> SchemaPlace:
        """Give the place of an element inside, made where it is new."""
        return self.children.setdefault(name, SchemaPlace())


def listed_places(fingerprint: str) -> SchemaPlace | None:
    """Give the first place of the list with all below it; None where it has another fingerprint."""
    try:
        first, *lines = package_text(PACKAGE, FILE).splitlines()
    except (OSError, ValueError):
        return None
    if first != fingerprint or not lines:
        return None
    places = [SchemaPlace() for _ in lines]
    for place, line in zip(places, lines, strict=True):
        attributes, _, children = line.partition("\t")
        place.attributes.update(attributes.split())
        for child in children.split():
            name, _, number = child.partition("=")
            place.children[name] = places[int(number)]
    return places[0]


def list_of(domain: SchemaPlace, fingerprint: str) -> str:
    """Write the list for a place and all below it; a place may hold itself."""
    places, numbers = [domain], {id(domain): 0}
    for place in places:
        for _, child in sorted(place.children.items()):
            if id(child) not in numbers:
                numbers[id(child)] = len(places)
                places.append(child)
    return "".join(f"{line}\n" for line in (fingerprint, *(_line(p, numbers) for p in places)))


def _line(place: SchemaPlace, numbers: dict[int, int]) -> str:
    children = (f"{name}={numbers[id(child)]}" for name, child in sorted(place.children.items()))
    return f"{' '.join(sorted(place.attributes))}\t{' '.join(children)}"
