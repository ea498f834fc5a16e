"""What the convolution core refuses, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from solver.core import BadInput
from solver.numeric.convolution import threads
from solver.numeric.convolution.operator import (
    Convolution,
    by_input,
    by_weight,
    conv,
    conv_transpose,
)
from solver.numeric.workspace import Workspace, empty

from .test_convolution import normal

X, W = normal(2, 6, 5, 7), normal(4, 6, 3, 3)


@pytest.mark.parametrize("call, said", [
    (lambda: conv(np.ones((2, 6, 5, 7), int), W), "the input is int64: .*the plain one takes whole"),
    (lambda: conv(X.astype(np.float16), W), "the input is float16"),
    (lambda: conv(X.astype(complex), W), "the input is complex128"),
    (lambda: conv(X.astype(object), W), "the input is object"),
    (lambda: conv(X.astype(">f8"), W), r"is >f8, in another machine's .*\.astype\('float64'\)"),
    (lambda: conv(X, W.astype(">f4")), r"the weight is >f4, in another .*\.astype\('float32'\)"),
    (lambda: conv(X.tolist(), W), "the input is a list: give a NumPy array"),
    (lambda: conv(None, W), "the input is a NoneType: give a NumPy array"),
    (lambda: conv(X, W.tolist()), "the weight is a list"),
    (lambda: conv(X, W, [1, 2, 3, 4]), "the bias is a list"),
    (lambda: conv(X, W, out=[]), "out must be a NumPy array, not a list"),
    (lambda: conv(X, W, out=np.broadcast_to(0.0, (2, 4, 3, 5))), "out is read-only: give an array that"),
    (lambda: by_input(X.tolist(), W), "the gradient is a list"),
    (lambda: by_weight(X.tolist(), X, (3, 3)), "the input is a list"),
    (lambda: by_weight(X, X.tolist(), (3, 3)), "the gradient is a list"),
    (lambda: by_weight(X, X[0], 3), "are N×C×sides, not 2×6×5×7 and 6×5×7"),
    (lambda: Convolution(W).by_weight(X.tolist(), X), "the input is a list"),
    (lambda: Convolution(W).by_weight(X, X.tolist()), "the gradient is a list"),
    (lambda: conv_transpose(X.tolist(), W), "the input is a list"),
    (lambda: conv(X, W.astype(int)), "the weight is int64"),
    (lambda: conv(X.astype(np.float32), W), "the input is float32 and the weight float64: convert"),
    (lambda: conv(X[0], W), "must have 4 axes, the batch first, not 6×5×7"),
    (lambda: conv(X, W[0, 0]), "1 to 3 sides, not 3×3"),
    (lambda: conv(X, W[:, :5]), "the weight reads 5 channels, the input has 6"),
    (lambda: conv(X, W, W[:3, 0, 0, 0]), "one number a map, 4, not 3"),
    (lambda: conv(X, W, W[:4, :1, 0, 0]), "one number a map, 4, not 4×1"),
    (lambda: conv(X, W, W[:, 0, 0, 0] * 1j), "the bias is complex128"),
    (lambda: conv(X, normal(4, 6, 6, 3)), "kernel 6×3 does not fit: it reaches 6 wide, .* input is 5, 5 with"),
    (lambda: conv(X, W, dilation=(1, 4)), "reaches 9 wide, and the input is 7"),
    (lambda: conv(X, W[:, :, :0]), "kernel must be 1 or more, not 0×3"),
    (lambda: conv(X, W[:, :2], groups=3), "4 maps do not divide into 3 groups"),
    (lambda: conv(X, W[:, :1], groups=4), "the weight reads 4 channels, the input has 6"),
    (lambda: conv(X, W, groups=0), "groups must be 1 or more, not 0"),
    (lambda: conv(X, W, groups=1.0), "groups must be whole numbers, 1 or more, not 1.0"),
    (lambda: conv(X, W, stride=0), "stride must be 1 or more, not 0×0"),
    (lambda: conv(X, W, stride=(1, 1.5)), "stride must be whole numbers, 1 or more, not 1×1.5"),
    (lambda: conv(X, W, padding=1.5), "padding must be whole numbers, 0 or more, not 1.5×1.5"),
    (lambda: conv(X, W, padding=np.array([1, 1])), "padding must be whole numbers"),
    (lambda: conv(X, W, padding=10**6, stride=10**6), "with its padding, 2×6×2000005×2000007, takes 3.* GiB"),
    (lambda: conv(X, W, padding=10**6, dilation=10**6), "with its padding, .* are free: take less"),
    (lambda: conv(X, W, padding=10**19, stride=10**19), "with its padding, .* are free: take less"),
    (lambda: conv(X, W, padding=10**6, stride=10**6, padding_mode="replicate"), "with its padding"),
    (lambda: by_weight(X, X[:, :4], 3, padding=10**6, dilation=10**6), "with its padding"),
    (lambda: conv_transpose(X[:, :4], W, stride=10**6), "an output of .* takes .* are free"),
    (lambda: conv_transpose(X[:, :4], W, output_padding=10**6), "an output of 2×6×1000007×1000009 takes"),
    (lambda: conv(X, W, stride=(1, 2, 3)), "3 entries: give one, or 2"),
    (lambda: conv(X, W, dilation=-1), "dilation must be 1 or more"),
    (lambda: conv(X, W, padding=-1), "padding must be 0 or more, not -1×-1"),
    (lambda: conv(X, W, padding="full"), "padding is a size, 'same' or 'valid', not 'full'"),
    (lambda: conv(X, W, padding="same", stride=2), "'same' goes with stride 1"),
    (lambda: conv(X, W, padding=1, padding_mode="mirror"), "zeros, reflect, circular, replicate, not 'mirror'"),
    (lambda: conv(X, W, padding=5, padding_mode="reflect"), "reflect padding of 5 needs more than a side of 5"),
    (lambda: conv(X, W, padding=6, padding_mode="circular"), "circular padding of 6 needs more"),
    (lambda: conv(X[:, :, :0], W, padding=2, padding_mode="replicate"), "replicate padding of 2 needs more than a side of 0"),
    (lambda: conv(X, W, threads=True), "from 1 to 1024, not True"),
    (lambda: conv(X, W, threads=0), "from 1 to 1024, not 0"),
    (lambda: conv(X, W, threads=2.0), "from 1 to 1024, not 2.0"),
    (lambda: threads.threads(-1).__enter__(), "from 1 to 1024, not -1"),
    (lambda: by_input(X, W), "the gradient has 6 maps, the convolution 4"),
    (lambda: by_input(X[:, :4], W, (9, 9)), "an input of 9×9 gives 7×7, the gradient is 5×7"),
    (lambda: by_input(X[:, :4], W, 9), "an input of 9×9 gives 7×7, the gradient is 5×7"),
    (lambda: by_input(X[:, :4], W, (7, 8, 9)), "has 3 entries: give one, or 2"),
    (lambda: by_input(X[:, :4], W, (7.0, 9.0)), "sides must be whole numbers, 0 or more"),
    (lambda: by_input(X[:, :4, :1], W[..., :1, :1], padding=1), "1×7 does not go with padding 1×1: the input would be -1×5"),
    (lambda: by_input(X[:, :4], W, padding=1, padding_mode="reflect"), "no fast gradient through reflect"),
    (lambda: by_input(X[:, :4].astype(int), W), "the gradient is int64"),
    (lambda: by_weight(X, X[:, :4], (3, 3)), "the gradient must be 2×4×3×5, as the output, not 2×4×5×7"),
    (lambda: by_weight(X, X[:, :4], (6, 6)), "kernel 6×6 does not fit"),
    (lambda: by_weight(X[:, :5], X[:, :4], (1, 1), groups=2), "reads 4 channels, the input has 5"),
    (lambda: Convolution(W).by_weight(X[:, :5], X), "reads 6 channels, the input has 5"),
    (lambda: Convolution(W).by_weight(X, X.astype(np.float32)), "the gradient is float32 and the weight float64"),
    (lambda: conv_transpose(X, W), "the gradient has 6 maps, the convolution 4"),
    (lambda: conv_transpose(X[:, :4], W, X[0, 0, 0]), "one number a map, 6, not 7"),
    (lambda: conv_transpose(X[:, :4], W, padding="same"), "padding must be whole numbers, 0 or more, not same×same"),
    (lambda: conv_transpose(X[:, :4], W, padding=4), "padding 4×4 cuts more than the 7×9 there is"),
    (lambda: conv_transpose(X[:, :4], W, output_padding=-1), "output_padding must be 0 or more"),
    (lambda: conv_transpose(X[:, :4], W, stride=0), "stride must be 1 or more"),
    (lambda: conv_transpose(X[:, :4], W, groups=3), "4 maps do not divide into 3"),
    (lambda: conv_transpose(X[0, :4], W), "must have 4 axes"),
])  # fmt: skip
def test_what_is_refused(call, said):
    with pytest.raises(BadInput, match=said):
        call()


def test_memory_that_the_system_does_not_give_is_refused(monkeypatch):
    def none(*args, **kwargs):
        raise MemoryError

    work = Workspace()
    monkeypatch.setattr(np, "empty", none)
    with pytest.raises(BadInput, match="memory to work in takes 24 bytes, more than can"):
        work.array("a", (3,), np.float64)
    with pytest.raises(BadInput, match="output of 2×3 takes 24 bytes, more than can"):
        empty((2, 3), np.float32, False)
