"""What ``domcaps explain`` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from domcaps import files
from domcaps.cli._notes import note, open_host, tell_newest
from domcaps.cli._terminal import emit_document, say
from domcaps.language.reason_lines import FAILED, MET, UNKNOWN, reason_lines
from domcaps.text import file_name, styled

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.language import Reason, World
    from domcaps.report.explain import Explanation

_MARKS = {"yes": MET, "no": FAILED, "unknown": UNKNOWN}
_COLOURS = {MET: "green", FAILED: "red", UNKNOWN: "yellow"}


def explain(path: str, host_file: str | None, form: str, target: dict[str, Any]) -> None:
    """Explain a path or a file; `target` has the options of `Host.world`, None for its defaults."""
    from domcaps.report.explain import is_path

    host = open_host(host_file)
    if path == "-" or path.endswith(".xml") or (Path(path).exists() and not is_path(path)):
        _explain_file(host, path, form, target)
    else:
        world = host.world(**target)
        _tell_libvirt(host, target)
        _explain_path(world, path, form)


def _tell_libvirt(host: Host, target: dict[str, Any]) -> None:
    from domcaps.language.dialect import AUTO

    if target["libvirt"] == AUTO:
        tell_newest(host)


def _explain_path(world: World, path: str, form: str) -> None:
    from domcaps.report.explain import elsewhere, explain, other_targets

    found = explain(path, world)
    refused = [explanation.path for explanation in found if explanation.truth.value == "no"]
    others = elsewhere(refused, other_targets(world))
    if form == "json":
        import msgspec

        content = [{**msgspec.to_builtins(e), "elsewhere": others.get(e.path, ())} for e in found]
        emit_document({"explanations": content})
        return
    for explanation in found:
        _print(explanation, others.get(explanation.path, ()))


def _explain_file(host: Host, name: str, form: str, target: dict[str, Any]) -> None:
    from domcaps.errors import DomainError
    from domcaps.validate.document.parse import MAX_BYTES

    data = files.read_input(name, MAX_BYTES + 1)
    try:
        found = host.explain_domain(data, **target)
    except DomainError as error:
        raise DomainError(error.message, where=f"{name}:{error.where}") from error
    _tell_libvirt(host, target)
    if form == "json":
        import msgspec

        emit_document({"file": name, **msgspec.to_builtins(found)})
        return
    for use in found.uses:
        _print(use.explanation, (), f"{file_name(name)}:{use.line}:{use.column}: ")
        if use.instead:
            say(f"    supported instead: {', '.join(use.instead)}")
    refused = sum(use.explanation.truth.value == "no" for use in found.uses)
    asked = found.target
    note(
        f"{len(found.uses)} features used, {refused} not supported: {asked.machine}, "
        f"{asked.virttype}, {asked.emulator}"
    )
    _print_verdict(host, data, name, target["libvirt"])


def _print_verdict(host: Host, data: bytes, name: str, libvirt: str) -> None:
    """Print the errors of the whole domain: rules see more than the values one by one."""
    errors = host.validate(data, libvirt).errors
    if errors:
        say("validate refuses this domain:")
    for error in errors:
        place = f"{file_name(name)}:{error.line}: " if error.line else ""
        say(f"    {place}{error.message} [{error.code}]")


def _print(explanation: Explanation, others: tuple[str, ...], place: str = "") -> None:
    truth = explanation.truth.value
    mark = _MARKS[truth]
    silent = "" if explanation.spoken else " (not listed in reports of this libvirt version)"
    path = styled(explanation.path, bold=True)
    say(f"{place}{styled(mark, fg=_COLOURS[mark])} {path}{silent}")
    _reason(explanation.reason)
    if explanation.changes:
        say("    to enable it:")
        for change in explanation.changes:
            how = f"{change.how}, so that {change.statement}" if change.how else change.statement
            effort = styled(f"  [{change.effort}]", dim=True)
            say(f"      · {how}{effort}")
    if others:
        say(f"    supported with {', '.join(others)}")


def _reason(reason: Reason) -> None:
    for line in reason_lines(reason):
        mark = styled(line.mark, fg=_COLOURS.get(line.mark))
        source = styled(f"  [{line.seen}]", dim=True) if line.seen else ""
        say(f"    {'  ' * line.depth}{mark} {line.text}{source}")
