"""``<sgx>``: Intel's enclaves, with the memory that the host sets aside for them.

::

    <memory model='sgx-epc'>
      <target><size unit='KiB'>16384</size></target>
    </memory>
"""

from domcaps.elements.advice.remedies import hardware
from domcaps.facts.emulator import Sgx
from domcaps.language import Element, Place, Row, Rows, World
from domcaps.language.changes.features import SGX_REPORTED
from domcaps.language.observed import EmulatorFact, qom_type
from domcaps.language.qemu_args import QemuArgs

KIB = 1024

SGX_PLATFORM = qom_type("sgx-epc") & EmulatorFact(
    "the platform offers SGX",
    "query-sgx-capabilities",
    lambda e: e.sgx is not None,
    lambda e: f"sgx {'yes' if e.sgx.sgx1 or e.sgx.sgx2 else 'no'}" if e.sgx else "refused",
    advice=hardware("use a host with Intel SGX, enabled in its firmware"),
)


def _figures(world: World) -> tuple[Row, ...]:
    sgx = world.emulator.sgx
    if sgx is None:
        return ()
    flags = (("flc", sgx.flc), ("sgx1", sgx.sgx1), ("sgx2", sgx.sgx2))
    rows = [Row(name, "yes" if held else "no") for name, held in flags]
    rows.append(Row("section_size", str(_total(sgx) // KIB), (("unit", "KiB"),)))
    if sgx.sections:
        rows.append(Row("sections", rows=_sections(sgx)))
    return tuple(rows)


def _total(sgx: Sgx) -> int:
    """Give the memory in all: QEMU before 7.0 tells it, later ones tell the sections only."""
    if sgx.section_size is not None:
        return sgx.section_size
    return sum(section.size for section in sgx.sections)


def _sections(sgx: Sgx) -> tuple[Row, ...]:
    return tuple(
        Row(
            "section",
            attributes=(
                ("node", str(section.node)),
                ("size", str(section.size // KIB)),
                ("unit", "KiB"),
            ),
        )
        for section in sgx.sections
    )


_ARGS = QemuArgs(
    "-object memory-backend-epc,id={id}e,size=1M,prealloc=on",
    machine="sgx-epc.0.memdev={id}e,sgx-epc.0.node=0",
)

ELEMENT = Element(
    "sgx",
    place=Place.FEATURES,
    order=110,
    since=SGX_REPORTED,
    supported=SGX_PLATFORM,
    content=(Rows(_figures),),
    qemu_args=_ARGS,
)
