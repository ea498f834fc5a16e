"""What each parameter is, in a few words, for help texts; letters from the glossary."""

from __future__ import annotations

from solver.expressions.formula import GLOSSARY
from solver.given import REQUIRED, Param

# What a parameter is, where its letter's meaning does not say it.
HELP = {
    "input": "input shape, channels first: 3x32x32, CxHxW",
    "output": "output size",
    "net": "bundled name, notation or printed module",
    "layer": "only this layer, block or range: conv1, features, conv1..pool2",
    "layers": "names, separated by commas",
    "out_channels": "number of filters",
    "in_channels": "input channels, checked against the input",
    "bias": "count or use biases",
    "norm": "count γ and β of the norms",
    "stats": "count running means and variances",
    "zeros": "count products with padding zeros",
    "gather": "transposed convolutions by gather instead of scatter",
    "inplace": "count layers that work in place as well",
    "image": "count the input as well",
    "batch": "images in the batch: a number, or N",
    "include": "count besides: bias, norm, activation, pooling, other",
    "unit": "B, kB, MB, GB, KiB, MiB or GiB",
    "dtype": "float64, float32, float16, bfloat16 or int8",
    "ceil_mode": "round sizes up; the last window starts inside",
    "mode": "max, avg or lp (interpolation: nearest, bilinear, …)",
    "dims": "number of axes: 1, 2 or 3",
    "padding_mode": "zeros, reflect, replicate or circular",
    "find": "what to look for: kernel, padding, stride, dilation",
    "max": "largest value tried",
    "at": "only this output, row,column counted from 1",
    "filter": "only this filter, counted from 1",
    "flip": "true convolution: turn the kernel by 180° first",
    "field": "receptive field wanted",
    "kernels": "kernel sizes, in order: 3,3,3",
    "strides": "strides, in order, or one for all",
    "ask": "facts wanted: shape, params, weights, biases, macs, …",
    "of": "what to compare: params, macs, flops, activations, …",
    "odd": "odd kernels only",
    "depth": "only stacks of this many layers",
}


def explain(param: Param) -> str:
    """What a parameter is, in a few words, for help texts."""
    letters_ = {
        "kernel": "k",
        "stride": "s",
        "padding": "p",
        "dilation": "d",
        "groups": "g",
    }
    text = HELP.get(param.name) or GLOSSARY.get(letters_.get(param.name, ""), "")
    text = text or param.name.replace("_", " ")
    plain = param.default is not REQUIRED and param.default not in (None, (), "")
    if plain and not isinstance(param.default, bool):
        default = (
            ",".join(map(str, param.default))
            if isinstance(param.default, tuple)
            else param.default
        )
        text += f" [{default}]"
    elif param.default is True:
        text += " [yes]"
    return text
