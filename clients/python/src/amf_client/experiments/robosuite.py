"""Lift, Stack and PickPlaceCan of robosuite with a Panda arm, each with a scripted expert.

The three are separate scenes, seen alike: a state is the hand's place (3), how far the fingers are apart (1), the
object's place (3) and from the hand to it (3), the place it is to go (3) and from the object there (3). Lift has it go
10 cm up from where it lay, Stack on the other cube, PickPlaceCan into its bin. One decision is 0.1 s: three numbers of
robosuite's position controller (8 cm each) and one for the fingers, clipped to [-1, 1]. Task vectors are one-hot.

Places at the start are drawn as robosuite draws them, the arm's posture too. The cubes' sizes, which robosuite draws
with the scene, are always the same. An episode ends when robosuite says that the task is done, or at the horizon.

The expert is a list of moves of the hand relative to the object or to the place where it is to go; one that finds its
hand empty begins again. The policy is a diffusion policy (diffusion.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from .benchmark import Array, Defaults, Episode, FeatureForm, Policy, TaskSpec

if TYPE_CHECKING:
    import torch

    from amf_client.project import Project

    from .diffusion import DiffusionPolicy

HORIZON = 80
CONTROL_HZ = 10
REACH = 0.08  # m in an action of 1
EXPERT_NOISE = 0.1
LIFT = 0.10  # m
GAIN = 2.0
CLOSE, OPEN = 1.0, -1.0
HIDDEN = (256, 256)
# What a state is about, and by how much it varies, in the order in which it is put together.
STATE_MEAN = (*(0, 0, 1), 0.04, *(0, 0, 0.9), *(0, 0, 0), *(0, 0, 0.9), *(0, 0, 0))
STATE_STD = (*(0.15,) * 3, 0.03, *(0.15,) * 3, *(0.1,) * 3, *(0.15,) * 3, *(0.15,) * 3)

DEFAULTS = Defaults(
    score="success",
    pretrain=(10, 10, 0),
    rounds=10,
    steps=1000,
    pretrain_steps=3000,
    evaluations=5,
    settings={"standardize": False},  # actions have a unit of their own, and need not wait until scales are fitted
)


@dataclass(frozen=True, slots=True)
class Move:
    """The hand goes `offset` (m) from the object, or from where the hand is to be with the object `there`.

    It is done when the hand is `near` (m), or after `steps` decisions.
    """

    offset: tuple[float, float, float]
    grip: float
    near: float = 0.0
    steps: int = 25
    there: bool = False


GRASP = (
    Move((0, 0, 0.10), OPEN, near=0.02),
    Move((0, 0, 0), OPEN, near=0.012),
    Move((0, 0, 0), CLOSE, steps=6),
)
LIFTED = Move((0, 0, 0.15), CLOSE, steps=5)
PLACE = (
    Move((0, 0, 0.14), CLOSE, near=0.03, steps=40, there=True),
    Move((0, 0, 0.005), CLOSE, near=0.012, there=True),
    Move((0, 0, 0.005), OPEN, steps=4, there=True),
    Move((0, 0, 0.15), OPEN, there=True),
)
LOST = 0.06  # m between hand and object: it is not held


@dataclass(frozen=True, slots=True)
class Scene:
    key: str
    instruction: str
    environment: str
    observation: str  # of the object's place
    moves: tuple[Move, ...]
    options: tuple[tuple[str, Any], ...] = ()


SCENES = (
    Scene("lift", "lift the cube", "Lift", "cube_pos", (*GRASP, LIFTED)),
    Scene("stack", "put the red cube on the green cube", "Stack", "cubeA_pos", (*GRASP, LIFTED, *PLACE)),
    Scene("can", "put the can into its bin", "PickPlaceCan", "Can_pos", (*GRASP, LIFTED, *PLACE)),
)


@contextmanager
def _quietly() -> Iterator[None]:
    """robosuite warns of optional parts that it does not find."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _make_environment(name: str) -> Any:
    with _quietly():
        import robosuite

        controller = robosuite.load_composite_controller_config(robot="Panda")
        arm = controller["body_parts"]["right"]
        arm["type"] = "OSC_POSITION"
        arm["output_max"], arm["output_min"] = [REACH] * 3, [-REACH] * 3
        return robosuite.make(
            name,
            robots="Panda",
            controller_configs=controller,
            has_renderer=False,
            has_offscreen_renderer=False,
            use_camera_obs=False,
            control_freq=CONTROL_HZ,
            ignore_done=True,
            hard_reset=False,
            seed=0,
        )


class Robosuite:
    name = "robosuite"
    state_dim = 16
    action_dim = 4
    layer = f"network.{3 * len(HIDDEN)}"

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        vectors = np.eye(len(SCENES))
        self.tasks = tuple(
            TaskSpec(scene.key, scene.instruction, tuple(map(float, vector)))
            for scene, vector in zip(SCENES, vectors, strict=True)
        )
        self._made: dict[int, Any] = {}

    def demonstrate(self, task: int, generator: np.random.Generator) -> Episode:
        expert = Expert(SCENES[task].moves)

        def act(state: Array) -> Array:
            noise = np.append(EXPERT_NOISE * generator.standard_normal(3), 0.0)
            return np.asarray(expert.action(state) + noise, dtype=np.float64)

        return self._run(task, act, generator)

    def rollout(self, task: int, policy: Policy, generator: np.random.Generator) -> Episode:
        return self._run(task, lambda state: policy(state, task), generator)

    def make_policy(self, generator: torch.Generator) -> DiffusionPolicy:
        from .diffusion import make_diffusion

        return make_diffusion(STATE_MEAN, STATE_STD, len(self.tasks), self.action_dim, HIDDEN, generator)

    def upload_features(self, project: Project, revision: str, policy: torch.nn.Module, form: FeatureForm) -> None:
        from .diffusion import upload_drawn

        upload_drawn(project, revision, policy, form)

    def _environment(self, task: int) -> Any:
        """Made when it is first needed: it takes seconds."""
        if task not in self._made:
            self._made[task] = _make_environment(SCENES[task].environment)
        return self._made[task]

    def _run(self, task: int, act: Callable[[Array], Array], generator: np.random.Generator) -> Episode:
        environment = self._environment(task)
        states: list[Array] = []
        actions: list[Array] = []
        # The scene's parts share this one generator, so it is set and not replaced.
        environment.rng.bit_generator.state = np.random.default_rng(int(generator.integers(2**63))).bit_generator.state
        seen = environment.reset()
        start = np.array(seen[SCENES[task].observation])
        state, success = self._state(task, seen, start), False
        while len(states) < self.horizon and not success:
            action = np.clip(act(state), -1.0, 1.0)
            states.append(state)
            actions.append(action)
            seen, *_ = environment.step(action)
            state = self._state(task, seen, start)
            success = bool(environment._check_success())
        return Episode(np.array(states), np.array(actions), success, float(success))

    def _state(self, task: int, seen: dict[str, Array], start: Array) -> Array:
        hand, thing = seen["robot0_eef_pos"], seen[SCENES[task].observation]
        goal = self._goal(task, seen, start)
        fingers = seen["robot0_gripper_qpos"]
        return np.concatenate((hand, [fingers[0] - fingers[1]], thing, thing - hand, goal, goal - thing))

    def _goal(self, task: int, seen: dict[str, Array], start: Array) -> Array:
        environment, name = self._environment(task), SCENES[task].environment
        if name == "Stack":
            on = environment.cubeA.size[2] + environment.cubeB.size[2]
            return np.asarray(seen["cubeB_pos"] + [0, 0, on], dtype=np.float64)
        if name == "PickPlaceCan":
            bin_ = environment.target_bin_placements[environment.object_id]
            return np.array([bin_[0], bin_[1], start[2]])
        return np.array([start[0], start[1], start[2] + LIFT])


class Expert:
    """One attempt of a script; it counts its own steps."""

    def __init__(self, moves: tuple[Move, ...]) -> None:
        self._moves = moves
        self._move, self._steps = 0, 0

    def action(self, state: Array) -> Array:
        self._steps += 1
        if self._lost(state):
            self._move, self._steps = 0, 0
        elif self._move + 1 < len(self._moves) and self._done(state):
            self._move, self._steps = self._move + 1, 0
        grip = self._moves[self._move].grip
        return np.append(np.clip(GAIN * self._way(state) / REACH, -1.0, 1.0), grip)

    def _lost(self, state: Array) -> bool:
        return self._moves[self._move].grip == CLOSE and float(np.linalg.norm(state[7:10])) > LOST

    def _done(self, state: Array) -> bool:
        move = self._moves[self._move]
        return float(np.linalg.norm(self._way(state))) < move.near or self._steps > move.steps

    def _way(self, state: Array) -> Array:
        """From the hand to where the move wants it."""
        move = self._moves[self._move]
        from_here = state[13:16] if move.there else state[7:10]
        return np.asarray(from_here + move.offset, dtype=np.float64)


def make(horizon: int | None = None) -> Robosuite:
    if find_spec("robosuite") is None:  # imported with the first scene
        raise ModuleNotFoundError("No module named 'robosuite'", name="robosuite")
    return Robosuite(horizon or HORIZON)
