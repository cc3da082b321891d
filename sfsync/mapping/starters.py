"""The starter mappings that `sfsync init` puts into a new project."""

from __future__ import annotations

from pathlib import Path

import sfsync
from sfsync.errors import SfsyncError


def starter_mappings() -> dict[str, str]:
    """File name → content, of every starter mapping. Raises `SfsyncError` when the installation lacks them.

    Those in the subfolder `more` are for objects that not every org has, or that not every project wants to pull: there
    they are at hand, and take part once they are moved up.
    """
    package = Path(sfsync.__file__).parent
    # In a wheel they are inside the package; in a checkout (or an editable install of one) they stand beside it.
    for folder in (package / "starter_mappings", package.parent / "mappings"):
        if (folder / "lead.yml").is_file():
            files = [*sorted(folder.glob("*.yml")), *sorted(folder.glob("more/*.yml"))]
            return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}
    raise SfsyncError("the starter mappings are missing from this installation", hint="install sfsync again")
