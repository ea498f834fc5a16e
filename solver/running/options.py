"""What `pset run NET` is given on the command line, and its help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUN = r"""Run a network on an input, layer by layer, with NumPy alone.

NET is a bundled name, the short notation, or PyTorch's printed module. FILE is an array,
.npy, or .npz with one array in it: C×H×W, or N×C×H×W with the batch first. Weights are an
.npz file with a tensor for each name (block1.conv.weight), or drawn by a seed.

Every layer's output is held against the shape that was predicted for it, and looked
through for NaN and infinity: the first layer that has one is named.

Example: pset run lenet5-modern --input digit.npy --weights trained.npz --top 3
"""

# command -> its help; then each argument and option, as click takes them
COMMANDS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "run": (
        RUN,
        {
            "net": {"metavar": "NET"},
            "--input": {"metavar": "FILE", "help": "the input [normal values, drawn by the seed]"},
            "--weights": {"metavar": "FILE", "help": "the tensors [drawn by the seed]"},
            "--seed": {"type": int, "default": 0, "metavar": "N", "help": "of what is drawn [0]"},
            "--batch": {"type": int, "metavar": "N",
                        "help": "images, where the input is drawn [1]"},
            "--dtype": {"default": "float32", "metavar": "TYPE",
                        "help": "float32 or float64 [float32]"},
            "--exact": {"is_flag": True, "help": "no algorithm that costs accuracy (slower)"},
            "--threads": {"type": int, "metavar": "N", "help": "processors to use [all]"},
            "--top": {"type": int, "default": 5, "metavar": "K",
                      "help": "outputs shown: the largest, of distances the smallest [5]"},
            "--out": {"metavar": "FILE", "help": "write the output here, .npy"},
            "--format": {"default": "text", "metavar": "FORMAT", "help": "text or json [text]"},
        },
    ),
}  # fmt: skip
