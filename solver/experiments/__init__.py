"""The experiments of the problem sets as reproducible runs on images.

`study` is what an experiment is and how one run of it is measured; `studies` lists them,
`moved` changes test images, `findings` says what the numbers support, and `command` is
`pset experiment`.
"""
