"""`python -m preserve` and the `preserve` command."""

from __future__ import annotations

from preserve.cli.main import main

if __name__ == "__main__":
    main()
