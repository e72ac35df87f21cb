"""``domcaps codes``: list the codes of findings, or explain one."""

from __future__ import annotations

import click

from domcaps.cli._common import format_option
from domcaps.cli._complete import complete_code


@click.command("codes")
@click.argument("code", required=False, shell_complete=complete_code)
@format_option("text", "json")
def command(*, code: str | None, form: str) -> None:
    """List the codes of all findings, those that match CODE, or explain one.

    CODE is a whole code, the first words of codes (video), a word in them (qxl), or a pattern
    ('*-unsupported').
    """
    from domcaps.cli._codes import show

    show(code, form)
