"""The client of amfd, which tells a robot lab which task to demonstrate next:

import amf_client

project = amf_client.Client().project("kitchen")
while True:
    with project.assignment(operator="anna") as task:
        states, actions = record(task.instruction)
        task.complete(states, actions)
"""

from . import models
from ._transport import Retry, package_version
from ._upload import Refused, UploadStopped, UploadSummary
from .client import Client
from .errors import (
    AlreadyExists,
    AmfError,
    ApiError,
    BadAnswer,
    BadRequest,
    ChangedMeanwhile,
    Conflict,
    DiskFull,
    Forbidden,
    Invalid,
    KeyReused,
    LeaseLost,
    NotFound,
    NothingToDo,
    NotSupported,
    OutcomeUnknown,
    ServerError,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from .lease import Lease
from .project import Project

__version__ = package_version()

__all__ = [
    "AlreadyExists",
    "AmfError",
    "ApiError",
    "BadAnswer",
    "BadRequest",
    "ChangedMeanwhile",
    "Client",
    "Conflict",
    "DiskFull",
    "Forbidden",
    "Invalid",
    "KeyReused",
    "Lease",
    "LeaseLost",
    "NotFound",
    "NotSupported",
    "NothingToDo",
    "OutcomeUnknown",
    "Project",
    "Refused",
    "Retry",
    "ServerError",
    "TooLarge",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "UploadStopped",
    "UploadSummary",
    "models",
]
