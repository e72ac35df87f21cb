"""``<iothreads>``: threads of QEMU that serve block devices.

::

    <iothreads>2</iothreads>
"""

from domcaps.language import Element, Place

ELEMENT = Element("iothreads", place=Place.TOP, order=20)
