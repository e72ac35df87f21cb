"""``<iothreads>``: threads of QEMU that serve block devices.

::

    <iothreads>2</iothreads>
"""

from domcaps.language import Element, Place
from domcaps.language.told import Told

ELEMENT = Element("iothreads", place=Place.TOP, order=20, told=Told("-object iothread,id={id}"))
