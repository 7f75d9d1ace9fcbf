"""Carrying out one sync: which tasks, in which order, how each is applied or pruned, and cascade deletion.

No decision about whether to sync is made here: controller.autosync and policy.guard do that.
"""
