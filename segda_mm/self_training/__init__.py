"""Algorithm 1 of "Naive-Student" as a plan, its stages, and what they leave.

A plan (:mod:`.plan`) is a config file; :mod:`.run` carries it out stage by stage
(:mod:`.stages`) and notes in a state file what is done (:mod:`.state`).
"""
