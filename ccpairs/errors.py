"""The errors of ccpairs, one per audience.

* :class:`UserError`: the person who typed the command can mend it. One line that says how; exit code 2.
* :class:`DamagedInput`: one input file cannot be read to its end. That file fails, the others go on; exit code 3.

A single bad record is neither: it is a counted reject. Anything else is our bug and keeps its traceback.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_USER = 2
EXIT_INPUTS_FAILED = 3
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """A mistake that the user can mend; the message is one line and says how."""


class DamagedInput(Exception):
    """One input file is truncated, corrupt, over a limit, or not what its source reads."""


class UnreadableInput(DamagedInput):
    """The server or the storage of an input failed; nothing is known against the file itself."""


class NoRandomAccess(UnreadableInput):
    """The server gives the file only from its beginning, and its format must be read from its end."""


class WrongSource(DamagedInput):
    """The file is sound, but it holds another kind of data than the source that was asked to read it."""
