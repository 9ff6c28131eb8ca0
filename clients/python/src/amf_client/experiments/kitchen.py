"""Five tasks of the Franka Kitchen (gymnasium-robotics), each with a scripted expert.

One decision is one step of the environment, 80 ms. An action is seven joint velocities and one for both fingers, in
the environment's unit of 2 rad/s (m/s for the fingers) and clipped to [-1, 1]; it adds them to the joints it observes,
so an arm that is told to stand still sinks. A state is what it observes of joint positions, the robot's (9) and the
kitchen's (21), with the hand's place (3) between them; velocities are left out. Task vectors are one-hot.

An episode starts with the arm's joints moved by up to 0.05 rad and the kettle by up to 2 cm, and ends when the
environment finds the task's joint within its own distance of the goal (0.3), or at the horizon.

The expert is a list of moves of the hand relative to a handle, wherever that is by now. Inverse kinematics makes joint
velocities of them: damped least squares on the hand's place and, ten times or three times softer, its attitude; what
freedom is left draws the arm to where it started, and the torque that holds the arm up is added. The microwave and the
top burner have no script: none was found that succeeds nine times of ten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .benchmark import Array, Defaults, Episode, Policy, TaskSpec

HORIZON = 100
JOINTS = 7
UNIT = 2.0  # rad/s in an action of 1
START_NOISE = 0.05  # rad
KETTLE_NOISE = 0.02  # m
EXPERT_NOISE = 0.1
DAMPING = 1e-3
REST = 0.5  # 1/s, towards the arm's posture at the start
TURN = 1.5  # 1/s, towards the attitude
CLOSE, OPEN = -1.0, 1.0

DEFAULTS = Defaults(
    score="success",
    pretrain=(4, 4, 0, 0, 0),
    rounds=15,
    steps=300,
    pretrain_steps=1000,
    evaluations=2,
)


@dataclass(frozen=True, slots=True)
class Move:
    """The hand goes to the handle plus `offset` (m) and, `along` how the handle's joint moves it, that much ahead.

    It is done when the hand is `near` (m), when the joint has `turned` so far, or after `steps` decisions.
    """

    offset: tuple[float, float, float]
    grip: float = CLOSE
    near: float = 0.0
    along: float = 0.0
    turned: float = np.inf
    steps: int = 25
    speed: float = 0.6
    gain: float = 4.0


@dataclass(frozen=True, slots=True)
class Script:
    """`pitch` (rad): how far the hand points down from where it points at the start; `stiff`: how much that counts."""

    key: str
    instruction: str
    handle: str
    joint: str
    moves: tuple[Move, ...]
    pitch: float = 0.0
    stiff: float = 0.1


SCRIPTS = (
    Script(
        "slide cabinet",
        "slide the cabinet door open",
        "slide_site",
        "slide_cabinet",
        (
            Move((-0.10, -0.10, 0), near=0.04),
            Move((-0.07, 0, 0), near=0.03),
            Move((0.20, 0, 0)),
        ),
    ),
    Script(
        "light switch",
        "turn the light on",
        "light_site",
        "light_switch",
        (
            Move((0.10, -0.10, 0), near=0.04),
            Move((0.07, 0, 0), near=0.03),
            Move((0, 0.02, 0), along=-0.10, gain=6.0),
        ),
    ),
    Script(
        "hinge cabinet",
        "open the right door of the left cabinet",
        "hinge_site2",
        "right_hinge_cabinet",
        (
            Move((0, -0.14, -0.12), OPEN, near=0.04),
            Move((0, 0.02, -0.12), OPEN, near=0.03),
            Move((0, 0.02, -0.12), steps=4),
            Move((0, 0.01, -0.12), along=0.15, turned=0.35),
            Move((0.20, 0.02, -0.12)),
        ),
    ),
    Script(
        "kettle",
        "push the kettle to the back of the stove",
        "kettle_site",
        "kettle",
        (
            Move((0, -0.22, -0.10), near=0.05),
            Move((0, 0.30, -0.10), speed=1.0),
        ),
        pitch=np.pi / 4,
        stiff=0.3,
    ),
    Script(
        "bottom burner",
        "turn the knob of the bottom burner",
        "knob2_site",
        "knob_Joint_2",
        (
            Move((-0.07, -0.12, 0.04), near=0.04),
            Move((-0.05, -0.03, 0.045), near=0.02),
            Move((0.10, -0.03, 0.04)),
        ),
    ),
)


def _pitched(attitude: Array, angle: float) -> Array:
    """Turned down by `angle` about the world's x axis, which runs along the kitchen's front."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]]) @ attitude, dtype=np.float64)


class Kitchen:
    name = "kitchen"
    state_dim = 9 + 3 + 21
    action_dim = JOINTS + 1

    def __init__(self, horizon: int) -> None:
        from gymnasium_robotics.envs.franka_kitchen.kitchen_env import KitchenEnv

        self.horizon = horizon
        vectors = np.eye(len(SCRIPTS))
        self.tasks = tuple(
            TaskSpec(script.key.replace(" ", "-"), script.instruction, tuple(map(float, vector)))
            for script, vector in zip(SCRIPTS, vectors, strict=True)
        )
        self._environment = KitchenEnv(
            [script.key for script in SCRIPTS], terminate_on_tasks_completed=False, remove_task_when_completed=False
        )
        self._environment.reset(seed=0)
        self.arm = Arm(self._environment.model, self._environment.data)

    def demonstrate(self, task: int, generator: np.random.Generator) -> Episode:
        expert = Expert(self.arm, SCRIPTS[task])
        return self._run(task, lambda _: expert.action() + self._noise(generator), generator)

    def rollout(self, task: int, policy: Policy, generator: np.random.Generator) -> Episode:
        return self._run(task, lambda state: policy(state, task), generator)

    def _noise(self, generator: np.random.Generator) -> Array:
        return np.append(EXPERT_NOISE * generator.standard_normal(JOINTS), 0.0)

    def _run(self, task: int, act: Callable[[Array], Array], generator: np.random.Generator) -> Episode:
        states: list[Array] = []
        actions: list[Array] = []
        state, success = self._begin(generator), False
        while len(states) < self.horizon and not success:
            action = np.clip(act(state), -1.0, 1.0)
            states.append(state)
            actions.append(action)
            observed, _, _, _, info = self._environment.step(np.append(action, action[-1]))
            state = self._state(observed)
            success = SCRIPTS[task].key in info["step_task_completions"]
        return Episode(np.array(states), np.array(actions), success, float(success))

    def _begin(self, generator: np.random.Generator) -> Array:
        environment, robot = self._environment, self._environment.robot_env
        environment.reset(seed=int(generator.integers(2**31)))
        joints = environment.data.qpos.copy()
        joints[:JOINTS] += generator.uniform(-START_NOISE, START_NOISE, JOINTS)
        kettle = environment.model.joint("kettle").qposadr[0]
        joints[kettle : kettle + 2] += generator.uniform(-KETTLE_NOISE, KETTLE_NOISE, 2)
        robot.set_state(joints, environment.data.qvel.copy())
        return self._state(environment._get_obs(robot._get_obs()))

    def _state(self, observed: dict[str, Any]) -> Array:
        joints = observed["observation"]
        return np.concatenate((joints[:9], self.arm.hand, joints[18:39]))


class Arm:
    """Inverse kinematics of the environment's robot, as it is when asked."""

    def __init__(self, model: Any, data: Any) -> None:
        import mujoco

        self._jacobian = mujoco.mj_jacSite
        self.model, self.data = model, data
        self._site = model.site("end_effector").id
        self.attitude = self._attitude()
        self._posture = data.qpos[:JOINTS].copy()
        self._stiffness = model.actuator_gainprm[:JOINTS, 0].copy()
        self._step = model.opt.timestep * 40  # s of a decision

    @property
    def hand(self) -> Array:
        return np.array(self.data.site_xpos[self._site])

    def _attitude(self) -> Array:
        return np.array(self.data.site_xmat[self._site]).reshape(3, 3)

    def velocities(self, velocity: Array, attitude: Array, stiff: float) -> Array:
        """Of the joints (rad/s), so that the hand moves with `velocity` (m/s) and turns towards `attitude`."""
        place, turn = np.zeros((3, self.model.nv)), np.zeros((3, self.model.nv))
        self._jacobian(self.model, self.data, place, turn, self._site)
        jacobian = np.vstack((place[:, :JOINTS], stiff * turn[:, :JOINTS]))
        spin = TURN * np.cross(self._attitude().T, attitude.T).sum(axis=0)
        wanted = np.concatenate((velocity, stiff * spin))
        inverse = jacobian.T @ np.linalg.inv(jacobian @ jacobian.T + DAMPING * np.eye(6))
        rest = REST * (self._posture - self.data.qpos[:JOINTS])
        sag = self.data.qfrc_bias[:JOINTS] / self._stiffness / self._step
        return np.asarray(inverse @ (wanted - jacobian @ rest) + rest + sag, dtype=np.float64)


class Expert:
    """One attempt of a script; it counts its own steps."""

    def __init__(self, arm: Arm, script: Script) -> None:
        self._arm, self._script = arm, script
        self._joint = arm.model.joint(script.joint)
        self._attitude = _pitched(arm.attitude, script.pitch)
        self._move, self._steps = 0, 0

    def action(self) -> Array:
        self._steps += 1
        if self._move + 1 < len(self._script.moves) and self._done(self._script.moves[self._move]):
            self._move, self._steps = self._move + 1, 0
        move = self._script.moves[self._move]
        velocity = move.gain * self._way(move)
        velocity *= min(1.0, move.speed / max(float(np.linalg.norm(velocity)), 1e-9))
        joints = self._arm.velocities(velocity, self._attitude, self._script.stiff)
        return np.append(joints / UNIT, move.grip)

    def _done(self, move: Move) -> bool:
        turned = abs(float(self._arm.data.qpos[self._joint.qposadr[0]]))
        return turned > move.turned or float(np.linalg.norm(self._way(move))) < move.near or self._steps > move.steps

    def _way(self, move: Move) -> Array:
        """From the hand to where the move wants it."""
        handle = self._arm.data.site(self._script.handle).xpos
        target = handle + np.array(move.offset)
        if move.along:
            target += move.along * self._tangent(handle)
        return np.asarray(target - self._arm.hand, dtype=np.float64)

    def _tangent(self, handle: Array) -> Array:
        """The direction in which a turn of the joint moves the handle."""
        joint = self._arm.data.joint(self._script.joint)
        tangent = np.cross(joint.xaxis, handle - joint.xanchor)
        return np.asarray(tangent / np.linalg.norm(tangent), dtype=np.float64)


def make(horizon: int | None = None) -> Kitchen:
    return Kitchen(horizon or HORIZON)
