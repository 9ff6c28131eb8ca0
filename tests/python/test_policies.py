#!/usr/bin/env python3
"""Revisions of a policy and their features, from staged to a ranking."""
import numpy as np
from fixtures import LiveCase, arrays, tap  # first: it knows where the package is

import amf_client


class Policies(LiveCase):
    def test_from_staged_to_a_ranking(self):
        project = self.client.projects.create("net", policy={"kind": "external"}, kernel={"kind": "embedding"})
        tasks = ["pick", "pour"]
        for task in tasks:
            project.tasks.put(task)
        ids = [project.demonstrations.add(task, *arrays(seed)).id for seed, task in enumerate(tasks * 2)]
        revision = project.policies.put("r1", role="both", trained_on=ids[:2], note="first")
        self.assertEqual((revision.state, revision.trained_on, revision.missing), ("staged", tuple(ids[:2]), 4))
        numbers = np.random.default_rng(0)
        for missing in project.policies.missing("r1"):
            phi = numbers.normal(size=(2, 12, 4)).astype(np.float16)
            held = project.policies.put_features("r1", missing.demonstration, tasks=tasks, phi=phi,
                                                 log_likelihood=np.zeros((2, 12)))
            self.assertEqual((held.tasks, held.form.phi), (tuple(tasks), 4))
        self.assertEqual(list(project.policies.missing("r1")), [])
        np.testing.assert_array_equal(project.policies.get_feature_arrays("r1", ids[-1])["phi"], phi)
        self.assertEqual(project.policies.get_features("r1", ids[-1]).demonstration, ids[-1])
        active = project.policies.activate("r1")
        self.assertEqual((active.state, active.serves), ("active", ("selection", "likelihood")))
        self.assertEqual([r.revision for r in project.policies.list()], ["r1"])
        ranking = project.ranking(wait_s=20)
        self.assertEqual((ranking.revision, ranking.missing_count), ("r1", 0))
        phi[1, 3, 2] = np.nan
        with self.assertRaises(amf_client.Invalid) as caught:
            project.policies.put_features("r1", ids[0], tasks=tasks, phi=phi, log_likelihood=np.zeros((2, 12)))
        self.assertEqual(caught.exception.code, "not_finite")


if __name__ == "__main__":
    tap.main()
