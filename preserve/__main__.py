"""`python -m preserve` and the `preserve` command."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the process was started with.

    Until the program is loaded there is nobody to say that it was stopped, and nothing to undo: Ctrl-C ends it then as
    it ends any other.
    """
    interrupted = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from preserve.cli.main import main as run

    signal.signal(signal.SIGINT, interrupted)
    run()


if __name__ == "__main__":
    main()
