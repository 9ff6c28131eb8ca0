"""Metaworld: a Sawyer arm, a cup and a faucet in one scene, and four tasks (the paper's Section 5.2).

The scene is put together from the arm, the cup and the faucet that come with metaworld 3.1.1, and runs in MuJoCo 3.3.0:
physics of another version are others. Cup and faucet stand at random places; all four tasks start alike, so that only
the instruction tells them apart.

    step   = 2 metaworld steps with the same action, 25 ms
    action = dx, dy, dz of the hand and the gripper's effort, -1..1; 1 is 10 mm a metaworld step
    state  = what metaworld observes of hand, gripper, cup and faucet's handle, now and one step before: 30 numbers
    expert = metaworld's scripted policy of the task + noise of standard deviation 0.1, clipped to -1..1
    success: after the last step the cup, or the handle, is within 0.07 m of its goal (metaworld's own distance)

The paper does not give the places; these are ours. A task's vector is its instruction's sentence vector.

An episode costs 25 ms of processor time. Many advance together, each with its own data and all with one model, so that
the network is called once a step.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import mujoco
import numpy as np

from amf_client.torch.sentences import SentenceEncoder

from .benchmark import Array, BatchPolicy, Defaults, Episode, Policy, TaskSpec

TASKS = {
    "cup-to-a": "push the cup to the back of the table",
    "cup-to-b": "move the cup to the left edge of the table",
    "faucet-open": "open the faucet",
    "faucet-close": "close the faucet",
}
STEPS = 50
EXPERT_NOISE = 0.1
NEAR = 0.07
CUP_GOALS = ((-0.25, 0.84, 0.0), (-0.40, 0.60, 0.0))
CUP_PLACES = ((-0.28, 0.62), (-0.18, 0.70))
FAUCET_PLACES = ((0.14, 0.76), (0.22, 0.84))
OPEN, CLOSE = 2, 3

METAWORLD_STEPS, PHYSICS_STEPS = 2, 5
METRES_PER_ACTION = 0.01
HAND_LOW, HAND_HIGH = (-0.5, 0.40, 0.05), (0.5, 1.0, 0.5)
HAND_START = (0.0, 0.4, 0.2)
HAND_DOWN = (1.0, 0.0, 1.0, 0.0)
WIDEST_GRIP = 0.1
# Metaworld's points of the handle: where its policies aim, and the goals as seen from the faucet's foot.
HANDLE_AIM = np.array((0.0, 0.0, -0.01))
OPEN_TIP, OPEN_GOAL = np.array((-0.04, 0.0, 0.02)), np.array((0.175, 0.0, 0.125))
CLOSE_TIP, CLOSE_GOAL = HANDLE_AIM, np.array((-0.175, 0.0, 0.125))
FRAME = 15

# Included files name others relative to the main one, which therefore has to lie in a folder beside them.
SCENE = """<mujoco>
  <include file="../scene/basic_scene.xml"/>
  <include file="../objects/assets/xyz_base_dependencies.xml"/>
  <include file="../objects/assets/coffeemachine_dependencies.xml"/>
  <include file="../objects/assets/faucet_dependencies.xml"/>
  <worldbody>
    <body name="cup" pos="-0.23 0.66 0">
      <freejoint name="cup"/>
      <include file="../objects/assets/mug.xml"/>
    </body>
    <include file="../objects/assets/xyz_base.xml"/>
    <body name="faucet" pos="0.18 0.8 0">
      <include file="../objects/assets/faucet.xml"/>
    </body>
  </worldbody>
  <actuator>
    <position joint="r_close" kp="400" ctrllimited="true" ctrlrange="-1 1"/>
    <position joint="l_close" kp="400" ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
  <equality>
    <weld body1="mocap" body2="hand" solref="0.02 1"/>
  </equality>
</mujoco>"""
WELD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 5.0)  # as metaworld sets it: no offset, stiff in rotation

DEFAULTS = Defaults(
    score="success",
    pretrain=(8, 8, 0, 0),
    rounds=20,
    steps=300,
    pretrain_steps=1000,
    evaluations=10,
    least_deviation=0.5,
)


def _compile() -> mujoco.MjModel:
    found = find_spec("metaworld")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "metaworld is not installed: scripts/experiments-environment does it", name="metaworld"
        )
    with tempfile.TemporaryDirectory() as folder:
        for part in ("objects", "scene", "textures"):
            os.symlink(Path(found.origin).parent / "assets" / part, Path(folder, part))
        scene = Path(folder, "tasks", "scene.xml")
        scene.parent.mkdir()
        scene.write_text(SCENE, encoding="utf-8")
        model = mujoco.MjModel.from_xml_path(str(scene))
    model.eq_data[0] = WELD
    return model


class _Scene:
    """What all attempts share. The faucet's foot is part of the model, which is set to an attempt before that moves."""

    def __init__(self) -> None:
        self.model = _compile()
        self.cup, self.hand, self.faucet, self.knob, right, left = (
            self.model.body(name).id for name in ("cup", "hand", "faucet", "faucet_link2", "rightclaw", "leftclaw")
        )
        self.claws = (right, left)
        self.open_site, self.close_site = (self.model.site(f"handleStart{way}").id for way in ("Open", "Close"))
        self._cup_place = int(self.model.joint("cup").qposadr[0])
        self._knob_angle = int(self.model.joint("knob_Joint_1").qposadr[0])
        self._rest = self._settle()

    def _settle(self) -> Array:
        """The arm's joints with the hand where every episode begins."""
        data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, data)  # the solver's first guess, as metaworld has it, or the last bits differ
        data.mocap_pos[0], data.mocap_quat[0] = HAND_START, HAND_DOWN
        data.ctrl[:] = (-1, 1)
        mujoco.mj_step(self.model, data, nstep=50 * PHYSICS_STEPS)
        return np.array(data.qpos)

    def prepare(self, data: mujoco.MjData, cup: Array, faucet: Array) -> None:
        mujoco.mj_resetData(self.model, data)
        data.qpos[:] = self._rest
        data.qpos[self._cup_place : self._cup_place + 7] = (*cup, 0, 1, 0, 0, 0)
        data.qpos[self._knob_angle] = 0
        data.mocap_pos[0], data.mocap_quat[0] = HAND_START, HAND_DOWN
        data.ctrl[:] = (-1, 1)
        self.model.body_pos[self.faucet] = faucet
        mujoco.mj_forward(self.model, data)

    def advance(self, data: mujoco.MjData, faucet: Array, action: Array) -> None:
        model, hand = self.model, data.mocap_pos[0]
        model.body_pos[self.faucet] = faucet
        data.ctrl[:] = (action[3], -action[3])
        data.mocap_quat[0] = HAND_DOWN
        for _ in range(METAWORLD_STEPS):
            np.clip(hand + METRES_PER_ACTION * action[:3], HAND_LOW, HAND_HIGH, out=hand)
            mujoco.mj_step(model, data, nstep=PHYSICS_STEPS)
        mujoco.mj_forward(model, data)  # positions after the last step, as metaworld has them


class _Attempt:
    """One episode as it goes."""

    def __init__(self, scene: _Scene, task: int, generator: np.random.Generator) -> None:
        self._scene, self._task = scene, task
        self._data = mujoco.MjData(scene.model)
        cup = generator.uniform(*CUP_PLACES)
        self._faucet = np.append(generator.uniform(*FAUCET_PLACES), 0.0)
        scene.prepare(self._data, cup, self._faucet)
        frame = self._frame()
        self.state = np.concatenate((frame, frame))

    def _frame(self) -> Array:
        scene, at, turned = self._scene, self._data.xpos, self._data.xquat
        right, left = scene.claws
        cup, knob = turned[scene.cup], turned[scene.knob]
        frame = np.empty(FRAME)
        frame[:3] = at[scene.hand]
        frame[3] = min(np.linalg.norm(at[right] - at[left]) / WIDEST_GRIP, 1.0)
        frame[4:7] = at[scene.cup]
        frame[7:11] = cup if cup[0] >= 0 else -cup
        frame[11:13] = self._data.site_xpos[scene.open_site, :2]
        frame[13], frame[14] = knob[0], knob[3]
        return frame

    def act(self, action: Array) -> None:
        self._scene.advance(self._data, self._faucet, action)
        self.state = np.concatenate((self._frame(), self.state[:FRAME]))

    def aim(self) -> Array:
        """What metaworld's policies see: hand, gripper, the object they move, and where it is to go."""
        seen = np.zeros(39)
        seen[:4] = self.state[:4]
        if self._task < OPEN:
            seen[4:7] = self._data.xpos[self._scene.cup]
            seen[-3:] = CUP_GOALS[self._task]
        else:
            site = self._scene.open_site if self._task == OPEN else self._scene.close_site
            seen[4:7] = self._data.site_xpos[site] + HANDLE_AIM
        return seen

    def success(self) -> bool:
        scene, sites = self._scene, self._data.site_xpos
        if self._task < OPEN:
            away = self._data.xpos[scene.cup] - CUP_GOALS[self._task]
        elif self._task == OPEN:
            away = sites[scene.open_site] + OPEN_TIP - (self._faucet + OPEN_GOAL)
        else:
            away = sites[scene.close_site] + CLOSE_TIP - (self._faucet + CLOSE_GOAL)
        return bool(np.linalg.norm(away) <= NEAR)


class Metaworld:
    name = "metaworld"
    state_dim = 2 * FRAME
    action_dim = 4

    def __init__(self, horizon: int) -> None:
        from metaworld import policies  # here, because it brings half a second of other things

        self.horizon = horizon
        vectors = SentenceEncoder()(list(TASKS.values()))
        self.tasks = tuple(
            TaskSpec(key, instruction, tuple(map(float, vector)))
            for (key, instruction), vector in zip(TASKS.items(), vectors, strict=True)
        )
        push = policies.SawyerCoffeePushV3Policy()
        self._experts = (push, push, policies.SawyerFaucetOpenV3Policy(), policies.SawyerFaucetCloseV3Policy())
        self._scene = _Scene()

    def _run(self, attempts: Sequence[_Attempt], act: BatchPolicy, tasks: Sequence[int]) -> list[Episode]:
        states = np.empty((self.horizon, len(attempts), self.state_dim))
        actions = np.empty((self.horizon, len(attempts), self.action_dim))
        for t in range(self.horizon):
            states[t] = [attempt.state for attempt in attempts]
            actions[t] = np.clip(act(states[t], tasks), -1, 1)
            for attempt, action in zip(attempts, actions[t], strict=True):
                attempt.act(action)
        solved = [attempt.success() for attempt in attempts]
        return [
            Episode(states[:, i].copy(), actions[:, i].copy(), success, float(success))
            for i, success in enumerate(solved)
        ]

    def demonstrate(self, task: int, generator: np.random.Generator) -> Episode:
        attempt = _Attempt(self._scene, task, generator)

        def expert(_: Array, __: Sequence[int]) -> Array:
            action = np.clip(self._experts[task].get_action(attempt.aim()), -1, 1)
            return np.asarray(action + generator.normal(0.0, EXPERT_NOISE, self.action_dim), dtype=np.float64)[None]

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Constant.*may be too high")  # metaworld, of its own policies
            (episode,) = self._run([attempt], expert, [task])
        return episode

    def rollout(self, task: int, policy: Policy, generator: np.random.Generator) -> Episode:
        def alone(states: Array, tasks: Sequence[int]) -> Array:
            return policy(states[0], tasks[0])[None]

        (episode,) = self.rollouts([task], alone, [generator])
        return episode

    def rollouts(
        self, tasks: Sequence[int], policy: BatchPolicy, generators: Sequence[np.random.Generator]
    ) -> list[Episode]:
        attempts = [_Attempt(self._scene, task, own) for task, own in zip(tasks, generators, strict=True)]
        return self._run(attempts, policy, tasks)


def recorded(folder: Path) -> dict[int, list[Episode]]:
    """Demonstrations of a folder `metaworld_scripted` (data.npz, episodes.json), by task and in the order recorded."""
    said = json.loads((folder / "episodes.json").read_text(encoding="utf-8"))
    with np.load(folder / "data.npz", allow_pickle=False) as arrays:
        states, actions = (arrays[name].astype(np.float64) for name in ("states", "actions"))
    number = {key: task for task, key in enumerate(TASKS)}
    episodes: dict[int, list[Episode]] = {task: [] for task in number.values()}
    for one in said["episodes"]:
        rows = slice(one["start"], one["start"] + one["length"])
        success = bool(one["success"])
        episodes[number[one["task"]]].append(Episode(states[rows], actions[rows], success, float(success)))
    return episodes


def make(horizon: int | None = None) -> Metaworld:
    return Metaworld(horizon or STEPS)
