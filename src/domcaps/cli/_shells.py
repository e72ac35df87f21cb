"""Completion for shells, also of words with ``:`` and ``=``: ``--host=shipped:debian13-x86_64``.

Bash takes such a word for several (COMP_WORDBREAKS), and wants back what follows the last of these
signs. So it is given the line as it is typed. Zsh and fish want the whole word back, with the
option before a ``=``.
"""

from __future__ import annotations

import os
import re
from typing import Any

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

_OPTION = re.compile(r"--[\w-]+=")

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n'
    local response

    response=$(env DOMCAPS_LINE="${COMP_LINE:0:$COMP_POINT}" \\
        DOMCAPS_BREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete $1)

    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"

        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=("$value")
            [[ $value == *[=,:] ]] && compopt -o nospace
        fi
    done

    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _WholeWords(ShellComplete):
    """Gives whole words: what is completed behind ``--option=`` begins with that."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Complete a word."""
        found = super().get_completions(args, incomplete)
        option = _OPTION.match(incomplete)
        if option is None:
            return found
        return [
            CompletionItem(option[0] + item.value, item.type, item.help)
            if item.type == "plain"
            else item
            for item in found
        ]


class Bash(_WholeWords, BashComplete):
    """Bash, from 4.4 on."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Split the line that was typed; a script that an older domcaps wrote gives words."""
        if "DOMCAPS_LINE" not in os.environ:
            return super().get_completion_args()
        line = os.environ["DOMCAPS_LINE"]
        words = split_arg_string(line)
        begun = words.pop() if words and not line[-1:].isspace() else ""
        return words[1:], begun

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Complete a word, and leave out what bash takes for other words before it."""
        found = super().get_completions(args, incomplete)
        breaks = [sign for sign in ":=" if sign in os.environ.get("DOMCAPS_BREAKS", "")]
        known = max((incomplete.rfind(sign) for sign in breaks), default=-1) + 1
        return [self._without(item, incomplete[:known]) for item in found]

    @staticmethod
    def _without(item: CompletionItem, prefix: str) -> CompletionItem:
        value: Any = item.value
        if item.type == "plain" and isinstance(value, str):
            return CompletionItem(value.removeprefix(prefix), item.type, item.help)
        return item


class Zsh(_WholeWords, ZshComplete):
    """Zsh."""


class Fish(_WholeWords, FishComplete):
    """Fish."""


def register() -> None:
    """Let click use these."""
    for kind in (Bash, Zsh, Fish):
        add_completion_class(kind)
