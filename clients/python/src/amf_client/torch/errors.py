"""What can be wrong with a policy, before anything of it is sent. Each is a ValueError too."""

from __future__ import annotations

from ..errors import AmfError


class PolicyError(AmfError, ValueError):
    """The policy, or how it was called, does not fit."""


class LayerError(PolicyError):
    """No linear layer of that name, or one that `forward` does not come by exactly once."""


class ShapeError(PolicyError):
    """Rows or columns that are not those of the demonstration, the project or the revision."""


class BadNumbers(PolicyError):
    """Numbers that are not finite, or that the precision they are to be sent in cannot hold."""


class NotExportable(PolicyError):
    """The server cannot evaluate this network."""


class WrongRevision(PolicyError):
    """The revision is retired, evaluated by the server, or of another network."""
