"""Networks that run on inputs: prepared once, a layer at a time, each shape as predicted.

`runner.Runner` runs a network, by `steps`, with tensors from `supply`; `files` reads arrays;
`command` is `pset run NET`.
"""
