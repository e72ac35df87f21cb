"""``domcaps lsp``: a language server for domain XML."""

from __future__ import annotations

import click

from domcaps.cli._common import (
    allow_emulator_option,
    as_option,
    libvirt_option,
    many_hosts_option,
)
from domcaps.one_call import calls_apart


@click.command("lsp")
@many_hosts_option
@as_option
@allow_emulator_option
@libvirt_option("libvirt version that must accept the domains:")
@click.option(
    "--schema/--no-schema",
    default=None,
    help="Also validate against libvirt's schema, as 'virsh define --validate' does.",
)
@click.pass_context
def command(
    ctx: click.Context, /, *, hosts: tuple[str, ...], libvirt: str, schema: bool | None
) -> None:
    """Serve editors over the Language Server Protocol, on standard input and output.

    While you write a domain, the editor shows problems, completes elements, attributes and values
    that the host accepts, and offers repairs. Hover over a value to see why it is supported or not.

    Options have the same meaning as in 'domcaps validate'; defaults come from the configuration
    file in the folder of each file, or in one above it. The page 'Write domain XML in an editor' of
    the documentation has settings for editors. Needs pygls: pip install 'domcaps[lsp]'.
    """
    try:
        from domcaps.editor.language_server import make_server
    except ImportError as error:
        raise click.ClickException(
            f"the package {error.name} is not installed; pip install 'domcaps[lsp]'"
        ) from None
    from domcaps.cli._hosts_of_files import Judges, expand_hosts
    from domcaps.cli._notes import QUIET

    calls_apart()
    ctx.meta[QUIET] = True
    named = ctx.get_parameter_source("libvirt") is not click.core.ParameterSource.DEFAULT
    make_server(Judges(expand_hosts(hosts), libvirt if named else "", schema)).start_io()
