"""`python -m sfsync` is the `sfsync` command."""

from __future__ import annotations

from sfsync.cli import main

if __name__ == "__main__":
    main()
