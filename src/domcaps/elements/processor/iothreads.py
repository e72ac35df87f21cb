"""``<iothreads>``: threads of QEMU that serve block devices.

::

    <iothreads>2</iothreads>
"""

from domcaps.language import Element, Place
from domcaps.language.qemu_args import QemuArgs

ELEMENT = Element(
    "iothreads", place=Place.TOP, order=20, qemu_args=QemuArgs("-object iothread,id={id}")
)
