"""What `pset train` is given on the command line, and its help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TRAIN = r"""Train a small network on images, with NumPy alone.

NET is a bundled name, the short notation, or PyTorch's printed module; it ends in one
number for each class, without a softmax. The data are 1,797 handwritten digits that are
shipped, or files that you have: mnist:DIR, fashion:DIR, cifar10:DIR (binary version).

A part is held out for validation: early stopping and the weights that are kept follow
it. The accuracy that is told at the end is of images that neither saw. The same seed
gives the same numbers. With --out the folder gets weights.npz, history.json, history.csv,
curves.svg and checkpoint.npz, from which --resume goes on to the same numbers.

Example: pset train "1x8x8: conv 8 k3 p1, relu, maxpool 2, flatten, linear 10"
"""


def constant(letter: str, what: str) -> dict[str, Any]:
    return {"type": float, "metavar": letter, "help": what}


# command -> its help; then each argument and option, as click takes them
COMMANDS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "train": (
        TRAIN,
        {
            "net": {"metavar": "NET"},
            "--data": {"default": "digits", "metavar": "DATA",
                       "help": "digits, mnist:DIR, fashion:DIR or cifar10:DIR [digits]"},
            "--epochs": {"type": int, "default": 20, "metavar": "N",
                         "help": "times that every image is seen [20]"},
            "--batch": {"type": int, "default": 32, "metavar": "N",
                        "help": "images in a step [32]"},
            "--rule": {"default": "adam", "metavar": "RULE",
                       "help": "sgd, momentum, nesterov, rmsprop, adam or adamw [adam]"},
            "--alpha --lr": constant("α", "learning rate [the rule's usual one]"),
            "--decay": {"type": float, "default": None, "metavar": "λ",
                        "help": "weight decay [0; of adamw 0.01]"},
            "--mu": constant("μ", "of momentum and nesterov [0.9]"),
            "--beta": constant("β", "of rmsprop [0.99]"),
            "--beta1": constant("β1", "of adam and adamw [0.9]"),
            "--beta2": constant("β2", "of adam and adamw [0.999]"),
            "--epsilon": constant("ε", "of rmsprop, adam and adamw [1e-8]"),
            "--schedule": {"default": "constant", "metavar": "SHAPE",
                           "help": "step:EVERY,FACTOR, time:K, exponential:K, cosine:LEAST, "
                                   "by the epoch [constant]"},
            "--warmup": {"type": int, "default": 0, "metavar": "N",
                         "help": "epochs in which the rate grows before that [0]"},
            "--stop": {"default": "", "metavar": "RULE",
                       "help": "patience:EPOCHS, or gl:PERCENT (generalisation loss)"},
            "--validation": {"type": float, "default": 0.2, "metavar": "SHARE",
                             "help": "of the images to train on [0.2]"},
            "--loss": {"default": "cross-entropy", "metavar": "LOSS",
                       "help": "cross-entropy or mse [cross-entropy]"},
            "--init": {"default": "he", "metavar": "HOW",
                       "help": "he, glorot or zero [he]"},
            "--scale": {"default": "unit", "metavar": "HOW",
                        "help": "pixels from 0 to 1 (unit), or by their mean and standard "
                                "deviation (standard) [unit]"},
            "--clip": constant("NORM", "the longest that a gradient may be"),
            "--seed": {"type": int, "default": 0, "metavar": "N",
                       "help": "draws the weights, the order and what is dropped [0]"},
            "--dtype": {"default": "float32", "metavar": "TYPE",
                        "help": "float32 or float64 [float32]"},
            "--out": {"default": "", "metavar": "DIR",
                      "help": "write weights, history, curves and checkpoint here"},
            "--resume": {"is_flag": True, "help": "go on from the checkpoint in DIR"},
        },
    ),
}  # fmt: skip
