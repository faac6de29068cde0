"""Run a program that ends when its parent ends in any way: ``python launcher.py PARENT PROGRAM ARGUMENT…``.

``PARENT`` is a process id. The program takes the place of this process, in a session of its own: Ctrl-C on the terminal
does not reach it. A file of its own, run by its path, so that it starts without importing anything of ours.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *command = sys.argv[1:]
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # Linux; it stays through exec
    if os.getppid() != int(parent):
        sys.exit(1)  # it ended before prctl
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
