"""The layers besides convolution again, made for speed; `plain` says what they compute.

Pure functions on float32 and float64 arrays, N×C×sides at the door, in any memory order:
what comes out has the type, and where it has as many axes the memory order, of what
went in. The plain definitions are the reference, and take every other type.
"""
