"""Rich's tables, without the blanks at the end of their lines."""

import io

from losslab.cli.trimmed import trimmed
from rich.console import Console
from rich.table import Table


def test_lines_end_where_their_text_does(capsys):
    console = Console(file=io.StringIO(), width=40, force_terminal=True, color_system="standard")
    with trimmed(console):
        table = Table.grid()
        table.add_row("[red]one[/]  two")
        table.add_row("three four five")
        console.print(table)
    assert capsys.readouterr().out == "\x1b[31mone\x1b[0m  two\nthree four five\n"
