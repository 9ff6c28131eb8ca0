"""Finding the server and the token without being told, as the `amf` command does.

The address: `url`, AMF_URL, the file `listening` of the default data directory, http://127.0.0.1:7667. The token:
`token`, `token_file`, AMF_TOKEN, and for an address of this machine only, `admin.token` of that directory.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_URL = "http://127.0.0.1:7667"
# 127. must go on as a number: 127.example.org is anybody's, and so is localhost@example.org.
LOOPBACK = re.compile(r"https?://(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?(/|$)")


@dataclass(frozen=True)
class Location:
    url: str
    token: str | None = field(repr=False)
    ca_file: str | None

    @property
    def is_loopback(self) -> bool:
        return LOOPBACK.match(self.url) is not None


def xdg_folder(variable: str, otherwise: str) -> Path:
    """A folder of the XDG rules, by which a relative path is to be ignored."""
    said = os.environ.get(variable, "")
    return Path(said) / "amf" if said.startswith("/") else Path.home() / otherwise / "amf"


def first_line(path: Path) -> str | None:
    return path.read_text(encoding="ascii").strip().partition("\n")[0].strip() or None


def first_line_if_there(path: Path) -> str | None:
    try:
        return first_line(path)
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return None


def locate(
    url: str | None, token: str | None, token_file: str | os.PathLike[str] | None, ca_file: str | None
) -> Location:
    folder = xdg_folder("XDG_DATA_HOME", ".local/share")
    url = url or os.environ.get("AMF_URL") or first_line_if_there(folder / "listening") or DEFAULT_URL
    if not token and token_file:
        token = first_line(Path(token_file))
        if not token:
            raise ValueError(f"{token_file} holds no token")
    found = Location(url.rstrip("/"), token or os.environ.get("AMF_TOKEN"), ca_file or os.environ.get("AMF_CA_FILE"))
    if not found.token and found.is_loopback:
        return Location(found.url, first_line_if_there(folder / "admin.token"), found.ca_file)
    return found
