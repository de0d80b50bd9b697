"""Runs a command on a terminal, and draws the screen during and after the run as SVG.

Arguments: the directory for progress.svg and terminal.svg, the command.
"""

import fcntl
import os
import pty
import re
import shlex
import struct
import sys
import termios
from itertools import groupby
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

COLUMNS, ROWS = 80, 100
# The picture of the progress is taken near this number of flows, once some have failed.
NUMBER = 130
PROGRESS = re.compile(r"(\d+) of \d+ done")
# Colours by the names that pyte gives them.
NAMES = {"brown": "yellow", "default": None}


def lines(screen):
    """The rows of the screen up to the last with text, with their styles."""
    rows = []
    for number in range(screen.lines):
        cells = [screen.buffer[number][column] for column in range(screen.columns)]
        row = Text()
        for (color, bold), run in groupby(cells, key=lambda cell: (cell.fg, cell.bold)):
            color = NAMES.get(color, color)
            if color and re.fullmatch("[0-9a-f]{6}", color):
                color = f"#{color}"
            row.append("".join(cell.data for cell in run), Style(color=color, bold=bold))
        row.rstrip()
        rows.append(row)
    while rows and not rows[-1].plain:
        rows.pop()
    return rows


def draw(rows, command, path):
    """Writes the rows below the command line to an SVG file."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), color_system="truecolor", force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), command), soft_wrap=True)
    for row in rows:
        console.print(row, soft_wrap=True, highlight=False)
    # Without the fonts from the network: every system has one of fixed width.
    svg = re.sub(r"@font-face \{.*?\}\n?", "", console.export_svg(title="rehearsal"), flags=re.DOTALL)
    path.write_text(svg)


def main():
    directory, command = Path(sys.argv[1]), sys.argv[2:]
    pid, terminal = pty.fork()
    if pid == 0:
        for name in ["NO_COLOR", "CI", "GITHUB_ACTIONS"]:
            os.environ.pop(name, None)
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    shown = " ".join(shlex.quote(word) for word in command)
    during = None
    while True:
        try:
            output = os.read(terminal, 65536)
        except OSError:  # The last one to close a terminal ends it with an error.
            break
        if not output:
            break
        stream.feed(output)
        text = "\n".join(screen.display[:20])
        done = PROGRESS.search(text)
        if done and " × " in text:
            distance = abs(int(done[1]) - NUMBER)
            if during is None or distance < during[0]:
                during = (distance, lines(screen))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code not in (0, 1) or during is None:
        sys.exit(f"{shown} ended with {code}:\n" + "\n".join(row.plain for row in lines(screen)))
    draw(during[1], shown, directory / "progress.svg")
    draw(lines(screen), shown, directory / "terminal.svg")


main()
