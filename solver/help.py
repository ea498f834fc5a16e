"""Help texts: the commands, an example each, and what each parameter is."""

from __future__ import annotations

from solver.expressions.formula import GLOSSARY
from solver.given import REQUIRED, Param

COMMANDS = """Shapes, counts and answer keys for deep-learning courses, worked and proved.

\b
  pset shape conv --in 3x224x224 --k 7 --s 2 --p 3
  pset count vgg16
  pset count params "3x32x32: conv 6 k5, relu, maxpool 2, flatten, linear 10"
  pset fit conv --in 64 --out 32 --k 3
  pset grad "norm2(X*w - y)^2" --wrt w --where "X: n x d, w: d, y: n"
  pset key s0 --format html --out keys

Any size may be a letter; what is not given stays one. A network is a bundled name
(pset networks), the short notation above, or PyTorch's printed module (- reads it from
standard input). Exit codes: 0 answered, 1 our fault, 2 bad input, 3 checked and not right.
"""

EXAMPLES = {
    "shape": "pset shape conv --in 3x224x224 --k 7 --s 2 --p 3",
    "count": "pset count params lenet5",
    "field": "pset field vgg16 --layer pool5",
    "fit": "pset fit conv --in 64 --out 32 --k 3",
    "loss": "pset loss bernoulli --wrt z",
    "update": "pset update sgd --w '1 -2' --grads '0.5 4' --alpha 0.01",
    "backprop": "pset backprop conv --in 3x3 --k 2",
    "gradcheck": "pset gradcheck difference theta^3 --at 2 --h 0.01",
    "knn": "pset knn distance --point '0 1 3' --query '0 0 0'",
    "logistic": "pset logistic probability --intercept -6 --slopes '0.05 1' --at '40 3.5'",
    "similarity": "pset similarity cosine --sources 'A: 1 0; B: 0 1' --image '-1 1'",
    "regression": "pset regression loocv --degree 2 --seed 1999",
    "run": "pset run pool --in '1 2; 3 4' --k 2 --mode avg",
    "code": "pset code function --as 'batch norm'",
}
DOCUMENTS = {
    "key": "The answer key of problem sets, each part worked and checked.\n\n"
    "SET is a bundled set's name (s0 … s4) or a TOML file.\n\n"
    "Example: pset key s0 --format tex,html,pdf --out keys",
    "sheet": "The hand-out: the problems with a place for each answer.\n\n"
    "Example: pset sheet s0 --format pdf --out sheets",
    "guide": "The marking guide: answers, points and the known mistakes.\n\n"
    "Example: pset guide s0 --format html --out guides",
}

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
    "loss of": "the line that answers: likelihood, log-likelihood, loss (l2: gradient, update)",
    "loss p": "probabilities of the classes, a row for each sample: '0.5 0.3 0.2'",
    "loss z": "scores: '1 0 -2', a row for each sample",
    "loss y": "the labels: 0 and 1, or the true class from 1, or a row of labels",
    "loss yhat": "predicted probabilities: '0.9 0.2'",
    "loss batch": "samples in a batch whose mean was added up",
    "update batch": "samples in a batch, or several sizes: 1,5,50",
    "update x": "the sample: '1 2'",
    "update y": "its true class, counted from 1",
    "update convention": "pytorch, or textbook: the learning rate inside the velocity",
    "update gradient": "an expression for the gradient: -y*sigmoid(-y*z)*x",
    "samples": "number of samples",
    "knn point": "coordinates: '0 1 3'",
    "points": "points with their names, if any: 'A: 0 3; B: 2 0'",
    "query": "the point that is asked about: '0 0 0'",
    "labels": "the label of each point, with commas",
    "knn k": "how many neighbours",
    "metric": "euclidean, manhattan or maximum",
    "ties": "refuse, or first: what comes first is taken; nearest (votes)",
    "intercept": "β₀",
    "slopes": "β₁, β₂, …",
    "names": "the variables' names, with commas: X1,X2",
    "logistic at": "values of the variables: '40 3.5'",
    "logistic solve": "the variable that is to be found",
    "probability": "the probability at the crossing [1/2]",
    "sources": "vectors by name: 'A: 1 0; B: 0 1'",
    "similarity image": "the vector that is compared with each: '-1 1'",
    "similarity n": "how many labels, the nearest first",
    "degree": "of the polynomial",
    "degrees": "of the polynomials, with commas: 1,2,3",
    "regression x": "the inputs; without them, data are drawn",
    "regression y": "the targets",
    "true": "the function behind the data, of x: x - 2*x^2",
    "noise": "the variance of what is added to it",
    "regression seed": "of NumPy's RandomState",
    "skip": "normal numbers drawn and thrown away before",
    "datasets": "how many data sets are drawn",
    "folds": "parts that are left out in turn; as many as points unless given",
    "errors": "how many are classified wrongly",
    "correct": "how many are classified rightly",
    "accuracy": "the share that is right, from 0 to 1",
    "threshold": "the accuracy that is asked for",
    "printed": "the loss as it was printed",
    "half": "the penalty or the square with ½",
    "strength": "the letter of the penalty's strength",
    "variant": "sum over the wrong classes, or max: the worst of them",
    "trace": "the letter whose value after each step is wanted: w, v, …",
    "weight": "the letter of the weight: w, v_k, …",
    "beta": "share β of the mean of squares that is kept",
    "beta1": "share β1 of the mean of gradients that is kept",
    "beta2": "share β2 of the mean of squares that is kept",
    "correction": "divide the means by 1 − βᵗ",
    "inside": "ε inside the root",
    "epochs": "epochs of the whole run",
    "best": "the epoch of the best model",
    "every": "one value recorded after so many batches",
    "t": "updates made so far",
    "form": "time or exponential",
    "drop_last": "leave out a last, smaller batch",
    "weights": "weights before, a row for each class: '0 0; 1 0'",
    "odd": "odd kernels only",
    "depth": "only stacks of this many layers",
    "as": "the function of ours that it must equal: batch norm, convolution, gradient",
    "code name": "what the student's function is called",
    "arguments": "the names of its arguments, in order: 'X, w, y'",
    "version": "which printed version: 'other letter'",
    "expr": "plain text such as x'*A*x, or LaTeX",
    "point": "take it here as well: 'x = (1, 2), A = [[1, 2], [3, 4]]', or a table",
    "entries": "SymPy's derivation as well, entry by entry at small sizes",
    "wrt": "the variable to derive by: w, z, yhat, …",
    "where": "what the letters are: 'X: n x d, w: d, S: symmetric d x d'",
    "convention": "what counts as the usual form: see the README",
    "layout": "numerator (rows are entries of f) or denominator",
    "w": "the weights (before the first step), or a kernel: '1 -2; 3 4'",
    "grads": "their gradients, a row for each step: '0.5 4; 1 2'",
    "alpha": "learning rate α",
    "mu": "momentum μ",
    "decay": "weight decay λ",
    "epsilon": "ε against division by 0",
    "reduction": "none, mean or sum over the samples",
    "margin": "the margin; 0 is the perceptron's",
    "score": "the letter of the score: z, yhat, …",
    "seed": "draws all that is random",
    "training": "batch norm by the batch's statistics, dropout on",
    "h": "the step of the difference",
    "scheme": "central, forward or backward",
    "backprop": "the number from backpropagation, as printed",
    "numeric": "the number from differences, as printed",
    "decimals": "decimals printed, where the number does not show them",
    "tolerance": "relative difference up to which two numbers agree",
    "padding": "zeros on each side, or 'same' or 'valid'",
    "x": "the input's numbers, rows separated by ;: '1 2; 3 4'",
    "gradient": "a gradient: '1 2; 3 4' (of a layer, ∂L/∂y), or an expression",
    "mask": "the mask, 1 where a value is kept: '1 0 1'",
    "p": "the probability to drop a value",
    "z": "scores: '1 2 3'",
    "s": "probabilities, which add up to 1: '0.5 0.3 0.2'",
    "y": "the true class, counted from 1, or labels: '0 1 0'",
    "classes": "number of classes",
    "gamma": "scale γ",
    "function": "activation function: relu, sigmoid, tanh, leaky-relu, …",
    "slope": "slope of leaky-relu for x ≤ 0",
    "count_include_pad": "count zeros of the padding in a mean",
}


def explain(param: Param, family: str = "") -> str:
    """What a parameter is, in a few words, for help texts; in its family where that says more."""
    letters_ = {
        "kernel": "k",
        "stride": "s",
        "padding": "p",
        "dilation": "d",
        "groups": "g",
    }
    text = HELP.get(f"{family} {param.name}") or HELP.get(param.name, "")
    text = text or GLOSSARY.get(letters_.get(param.name, ""), "")
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
