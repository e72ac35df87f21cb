"""The whole life of domains by libvirt's bindings: run by a Python that has them.

Prints, as JSON, for each call whether it succeeded, which lifecycle events it caused, and the state
of all domains afterwards::

    python3 sandbox_life.py URI TYPE
"""

from __future__ import annotations

import json
import sys
from typing import Any

import libvirt  # type: ignore[import-not-found,unused-ignore]

QUIET_MS = 20
REBOOT = "<on_reboot>destroy</on_reboot>"
POWEROFF = "<on_poweroff>restart</on_poweroff>"


class Story:
    """Calls on one connection, and what came of each."""

    def __init__(self, uri: str, kind: str) -> None:
        libvirt.registerErrorHandler(lambda *_: None, None)
        libvirt.virEventRegisterDefaultImpl()
        self.connection = libvirt.open(uri)
        self.kind = kind
        self.told: list[Any] = []
        # those that the test driver begins with
        self._strangers = {domain.name() for domain in self.connection.listAllDomains()}
        self._events: list[Any] = []
        self.connection.domainEventRegisterAny(
            None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._take_note, None
        )

    def _take_note(self, _: Any, domain: Any, event: int, detail: int, __: Any) -> None:
        self._events.append((domain.name(), event, detail))

    def step(self, name: str, call: Any) -> Any:
        """Make a call, and note its result, its events and all domains."""
        self._events.clear()
        try:
            result, code = call(), "ok"
        except libvirt.libvirtError:
            result, code = None, "error"
        self._settle()
        self.told.append([name, code, list(self._events), self._domains()])
        return result

    def _settle(self) -> None:
        due: list[int] = []
        timer = libvirt.virEventAddTimeout(QUIET_MS, lambda number, _: due.append(number), None)
        while not due:
            libvirt.virEventRunDefaultImpl()
        libvirt.virEventRemoveTimeout(timer)

    def _domains(self) -> list[Any]:
        return sorted(
            (one.name(), *one.state(), one.isActive(), one.isPersistent(), one.ID() > 0,
             one.autostart(), one.hasManagedSaveImage(), *one.info()[1:3], one.vcpusFlags(),
             one.vcpusFlags(libvirt.VIR_DOMAIN_VCPU_MAXIMUM))
            for one in self.connection.listAllDomains()
            if one.name() not in self._strangers
        )  # fmt: skip

    def xml(self, name: str, more: str = "") -> str:
        """Describe a small domain."""
        machine = "" if self.kind == "test" else " machine='q35'"
        return (
            f"<domain type='{self.kind}'><name>{name}</name><memory unit='MiB'>64</memory>"
            f"<vcpu>2</vcpu><os><type arch='x86_64'{machine}>hvm</type></os>{more}</domain>"
        )


def defined(story: Story) -> None:
    """Tell the life of a domain that is defined."""
    step, connection, xml = story.step, story.connection, story.xml
    one = step("define", lambda: connection.defineXML(xml("a")))
    step("define again", lambda: connection.defineXML(one.XMLDesc()))
    step("set CPUs", lambda: one.setVcpusFlags(1, libvirt.VIR_DOMAIN_AFFECT_CONFIG))
    for name in ("create", "create", "suspend", "resume", "resume"):
        step(name, getattr(one, name))
    step("reboot", lambda: one.reboot(0))
    step("reset", lambda: one.reset(0))
    for name in ("shutdown", "shutdown", "create", "destroy", "destroy", "suspend", "create"):
        step(name, getattr(one, name))
    step("define", lambda: connection.defineXML(one.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))
    step("save", lambda: one.managedSave(0))
    step("undefine what is saved", one.undefine)
    for name in ("create", "suspend", "shutdown"):
        step(name, getattr(one, name))
    step("autostart", lambda: one.setAutostart(1))
    step("save what is off", lambda: one.managedSave(0))
    step("create", one.create)
    step("no autostart", lambda: one.setAutostart(0))
    step("undefine", one.undefine)
    step("destroy", one.destroy)


def transient(story: Story) -> None:
    """Tell the lives of domains that are not defined, and of one with two names."""
    step, connection, xml = story.step, story.connection, story.xml
    first = step("create XML", lambda: connection.createXML(xml("t"), 0))
    step("create XML again", lambda: connection.createXML(first.XMLDesc(), 0))
    step("define transient", lambda: connection.defineXML(first.XMLDesc()))
    step("destroy", first.destroy)
    step("undefine", first.undefine)
    ending = step("destroyed by reboot", lambda: connection.createXML(xml("t", REBOOT), 0))
    step("reboot", lambda: ending.reboot(0))
    lasting = step("restarted", lambda: connection.createXML(xml("t", POWEROFF), 0))
    step("shutdown", lasting.shutdown)
    step("destroy", lasting.destroy)
    renamed = step("define", lambda: connection.defineXML(xml("r")))
    step("rename", lambda: renamed.rename("s", 0))
    step("same name", lambda: connection.defineXML(xml("s")))
    step("undefine", connection.lookupByName("s").undefine)


def main() -> None:
    story = Story(*sys.argv[1:])
    defined(story)
    transient(story)
    json.dump(story.told, sys.stdout)


if __name__ == "__main__":
    main()
