"""Seeds: every purpose has its own stream, so that arms of one seed meet the same demonstrations and the same trials.

What an arm is given for its third demonstration of a task does not depend on when it asks for it, or on what else it
asked for.
"""

from __future__ import annotations

import enum

import numpy as np


class Stream(enum.IntEnum):
    POLICY = 1
    PRETRAINING = 2
    DEMONSTRATION = 3
    TRAINING = 4
    EVALUATION = 5
    ROLLOUT = 6
    ACTING = 7
    FEATURES = 8


def generator(seed: int, stream: Stream, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([seed, int(stream), *numbers])


def torch_seed(seed: int, stream: Stream, *numbers: int) -> int:
    return int(np.random.SeedSequence([seed, int(stream), *numbers]).generate_state(1)[0])
