"""The help of every command: complete, and about the options that the command has."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import click
import pytest

from domcaps.cli import _root

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# what belongs to virsh, or to another command that the sentence names
_OF_OTHERS = re.compile(
    r"'(?:virsh|domcaps|git|patch)[^']*'|^ {2}(?:domcaps|virsh).*$", re.MULTILINE
)


def _commands(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(command, info_name=name, parent=parent)
    yield name, command
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _commands(found, f"{name} {inner}", context)


COMMANDS = dict(_commands(_root, "domcaps"))
OPTIONS = {
    f"{name} {option.opts[-1]}": option
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
}


def foreign(text: str, command: click.Command) -> set[str]:
    """Give the options that a help text names and the command does not have.

    Docstrings have no margin from Python 3.13 on, so that it is taken from all.
    """
    own = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return set(_OPTION.findall(_OF_OTHERS.sub("", inspect.cleandoc(text)))) - own - {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_names_only_options_that_the_command_has(name: str) -> None:
    command = COMMANDS[name]
    texts = [
        command.help or "",
        *(getattr(option, "help", None) or "" for option in command.params),
    ]
    assert {text: found for text in texts if (found := foreign(text, command))} == {}


def test_an_option_of_another_command_is_found() -> None:
    command = COMMANDS["domcaps watch"]
    assert foreign("Not used with --host: a recording names its user.", command) == {"--host"}
    assert foreign("See 'domcaps report --host FILE' and --as.", command) == set()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_says_what_it_does(name: str) -> None:
    option = OPTIONS[name]
    text = option.help or ""
    assert text.endswith("."), "a sentence, with its full stop"
    assert not text.endswith("..")
    # "INTEGER RANGE" is a name of click
    assert option.is_flag or option.count or option.metavar or isinstance(option.type, click.Choice)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_sentence_begins_with_a_capital_letter(name: str) -> None:
    text = re.sub(r"\[default:.*?\]", "", OPTIONS[name].help or "")
    assert re.findall(r"\. (?!libvirt|domcaps|virsh|swtpm)[a-z]\w*", text) == []


def test_one_option_is_explained_in_one_way() -> None:
    """Options of many commands have one text, or one for each of two kinds of commands."""
    for option in ("--color", "--as", "--allow-emulator", "--arch"):
        texts = {found.help for name, found in OPTIONS.items() if name.endswith(f" {option}")}
        assert 1 <= len(texts) <= 2, option
