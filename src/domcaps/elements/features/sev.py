"""``<sev>``: the figures of AMD's encrypted guests that a definition has to repeat.

::

    <launchSecurity type='sev'>
      <cbitpos>47</cbitpos>
      <reducedPhysBits>1</reducedPhysBits>
    </launchSecurity>
"""

from domcaps.elements.features.launch_security import SEV_PLATFORM, encrypted
from domcaps.language import Element, Place, Row, Rows, World
from domcaps.language.changes.features import SEV_LIMITS


def _figures(world: World) -> tuple[Row, ...]:
    sev = world.emulator.sev
    if sev is None:
        return ()
    guests, es_guests = world.host.sev_limits
    rows = [
        Row("cbitpos", str(sev.cbitpos)),
        Row("reducedPhysBits", str(sev.reduced_phys_bits)),
    ]
    if not world.target.dialect.has(SEV_LIMITS):
        return tuple(rows)
    rows += [Row("maxGuests", str(guests)), Row("maxESGuests", str(es_guests))]
    if sev.cpu0_id:
        rows.append(Row("cpu0Id", sev.cpu0_id))
    return tuple(rows)


ELEMENT = Element(
    "sev",
    place=Place.FEATURES,
    order=100,
    supported=SEV_PLATFORM,
    content=(Rows(_figures),),
    qemu_args=encrypted("sev-guest"),
)
