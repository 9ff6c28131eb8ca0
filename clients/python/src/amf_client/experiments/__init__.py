"""Experiments: the whole loop of asking, demonstrating and fine-tuning, in a simulator and against a live amfd.

    python -m amf_client.experiments integrator --arms criterion,uniform --seeds 0-9

The daemon takes every decision; nothing here scores a task. docs/experiments.md tells how to run them.
"""
