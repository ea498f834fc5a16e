"""Training small networks with NumPy alone: data, the loop, checkpoints and curves.

`fitting.fit` trains; `data` and `readers` give images; `optimisers` runs the update rules
of `kinds.update_rules` on arrays; `command` is `pset train`.
"""
