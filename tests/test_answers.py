"""Stated answers: a table for each form, of texts as students write them and their marks."""

from __future__ import annotations

import pytest

from solver.core import BadInput, Problem
from solver.grading import grade
from solver.kinds import solve
from tests.answering import Asked, cases, judged

SIGMOID = {"functions": {"sigma": "sigmoid"}}
LABELS = {"where": "y: 0 or 1, yhat: probability", "alias": {"p": "yhat"}}
RUBRIC = [
    {
        "says": "the gradient shrinks",
        "shows": ["gradient", ["vanish", "shrink", "tiny"]],
    },
    {"says": "the skip adds an identity", "shows": [["skip", "shortcut"], "identity"]},
]

NUMBERS = (
    Asked(
        "Kingma & Ba 2015, 1 − β₁ᵗ at t = 10",
        "number",
        "0.6513215599",
        right=(
            "0.6513",
            "0.651",
            ".6513",
            "0,6513",
            "65.13%",
            "65.13 %",
            r"65.13\%",
            "65,13 %",
            "6.513e-1",
            "6.513E-01",
            "6.513 × 10^-1",
            r"6.513\times10^{-1}",
            "6.513·10⁻¹",
            "1 - 0.9^10",
            "1-0.9**10",
            "1 − 0.9¹⁰",
            r"1-0.9^{10}",
            r"1-\left(\frac{9}{10}\right)^{10}",
            "$0.6513$",
            "≈ 0.651",
            r"\approx 0.6513",
            "the answer is 0.6513",
            "Answer: 0.6513.",
            "1 - 0.9^10 = 0.6513",
            "1 - 0.9^10 ≈ 0.6513",
        ),
        wrong=("0.3487", "0.6531", "0.652", "65.13", "-0.6513", "0.7", "6.513", "1 - 0.9^9"),
        partly=("1 - 0.9^9 = 0.6513", "0.9^10 = 0.6513"),
        invalid=(
            "",
            "   ",
            "0.6513 or 0.3487",
            "0.6513 ± 0.01",
            "0.6513 = 0.3487",
            "0.6513 = 0.6513",
            "not 0.6513",
            "> 0.6",
            "0.65.13",
            "0.6513 bananas",
            "two thirds",
            "1 - 0.9^",
            "0.6513 =",
        ),
    ),
    Asked(
        "the loss of a uniform guess among ten classes, in nats",
        "number",
        "ln 10",
        right=(
            "ln 10",
            "ln(10)",
            r"\ln 10",
            r"\log(10)",
            "log 10",
            "-ln(1/10)",
            r"-\log\frac{1}{10}",
            r"-\ln 0.1",
            "np.log(10)",
            "math.log(10)",
            "2.302585",
            "2.303",
            "2.30",
            "ln(10) ≈ 2.303",
            "-log(0.1) = log(10) = 2.303",
            "2.303 nats",
            "ln 2 + ln 5",
            "-10 * (0.1 * ln 0.1)",
        ),
        wrong=("1", "log_2(10)", "3.32", "2.31", "ln 9", "log10(10)", "-2.303", "10", "2.3026e1", "ln(0)"),
        invalid=("ln", "ln 10 or ln 9", "ln 10, ln 9", "0/0", "ln(10", "log banana"),
    ),
    Asked(
        "a mean over eight samples",
        "number",
        "0.125",
        right=("1/8", r"\frac18", r"\frac{1}{8}", "⅛", "0,125", "12.5%", "12,5 %", "2^{-3}", "2⁻³",
               "0.5^3", "125e-3", "1.25 × 10^{-1}", "0.1250"),
        wrong=("8", "0,25", "125", "1.25%", "1,25", "1,125", "-1/8", "1/9"),
        invalid=("1/0", "1//", "1/8 or 1/4", "1 8"),
    ),
    Asked(
        "a decimal comma: what has one or two decimals is no thousands",
        "number",
        "1.5",
        right=("1,5", "1.5", "3/2", "1,50", "150%"),
        wrong=("15", "1.500,0", "0,15"),
    ),
    Asked(
        "a decimal comma behind points: 1.234,5",
        "number",
        "1234.5",
        right=("1.234,5", "1,234.5", "1234,5", "1 234.5", "1 234,5", "1'234.5", "1.2345e3"),
        wrong=("1.234", "12345"),
        invalid=("1,23,4.5", "12,34.5"),
    ),
    Asked(
        "dropout keeps 0.8; tolerance stated",
        "number",
        "0.8",
        {"tol": 0.05},
        right=("0.8", "0.76", "0.85", "84%", "4/5"),
        wrong=("0.74", "0.86", "1.8"),
    ),
    Asked(
        "relative tolerance",
        "number",
        "1000",
        {"tol": {"rel": 0.02}},
        right=("1000", "1,015", "1.01K", "985"),
        wrong=("1021", "979", "1.03K"),
    ),
    Asked(
        "FLOPs of a block (MAC = 2 FLOPs)",
        "number",
        "8.2 GFLOPs",
        {"unit": "FLOPs"},
        right=("8.2 GFLOPs", "8.2e9 FLOPs", "4.1 GMACs", "8.2 billion", "8200 MFLOPs", "8.2G",
               "8,200,000,000"),
        wrong=("4.1 GFLOPs", "8.2 MFLOPs", "8.2 GMACs", "82 GFLOPs"),
        invalid=("8.2 Gbananas",),
    ),
    Asked(
        "float32 weights of 25 million parameters",
        "number",
        "100,000,000",
        {"unit": "bytes"},
        right=("100 MB", "100,000,000 bytes", "0.1 GB", "100 million bytes", "95.37 MiB",
               "800 Mbit", "100e6"),
        wrong=("100 MiB", "25 MB", "95.37 MB", "100 KB", "100 Mbit"),
    ),
)  # fmt: skip

INTEGERS = (
    Asked(
        "ResNet-50, 25,557,032 parameters (torchvision)",
        "integer",
        "25,557,032",
        right=(
            "25557032",
            "25,557,032",
            "2,55,57,032",
            "25 557 032",
            "25 557 032",
            "25'557'032",
            "25_557_032",
            r"25{,}557{,}032",
            r"25\,557\,032",
            "25.557032M",
            "2.5557032e7",
            r"2.5557032\times10^7",
            "2.5557032 crore",
            "255.57032 lakh",
            "25,557,032 parameters",
            "params = 25557032",
            "25557032.",
            "23508032 + 2049000 = 25557032",
            "23,508,032 + 2,049,000",
        ),
        wrong=("25,557,031", "25,557,033", "25.5M", "25.6K", "25.6B", "255570320", "-25557032",
               "23,508,032 + 2,048,000"),
        partly=("23,508,032 + 2,048,000 = 25,557,032",),
        invalid=(
            "25,557,32",
            "2,555,7032",
            "25,557,032 or 25,503,912",
            "25557032 = 25503912",
            "not 25,557,032",
            "25557032 ± 1",
            "< 25557033",
            "25 million or so",
        ),
        undecided=("25.6M", "25.56M", "2.56e7", "25.6 million", "2.56 crore", "255.6 lakh"),
    ),
    Asked(
        "rounded: what a suffix rounds is enough where the author says so",
        "integer",
        "25,557,032",
        {"rounded": True},
        right=("25.6M", "25.56 million", "0.0256B", "25,557,032", "2.556 crore"),
        wrong=("25.5M", "25.6K", "25,557,031", "25557030"),
        undecided=("26M",),
    ),
    Asked(
        "3x3 convolution, 16 to 32 channels, biases",
        "integer",
        "(3*3*16 + 1)*32",
        right=("4640", "4,640", "4.64K", "3*3*16*32 + 32", "3·3·16·32 + 32 = 4608 + 32 = 4640",
               "(3²·16 + 1)·32", r"(3^2\cdot 16+1)\times 32", "145 * 32"),
        wrong=("4608", "4641", "4609", "464", "46400", "3*3*16*32"),
        partly=("3*3*16*32 = 4640",),
        undecided=("4.6K",),
    ),
)  # fmt: skip

SIZES = (
    Asked(
        "AlexNet's first layer in its torch form: 64 x 55 x 55",
        "shape",
        "64 x 55 x 55",
        {"order": "CHW"},
        right=(
            "64 x 55 x 55",
            "64x55x55",
            "64×55×55",
            r"64\times55\times55",
            r"$64 \times 55 \times 55$",
            "(64, 55, 55)",
            "[64, 55, 55]",
            r"\left(64, 55, 55\right)",
            "torch.Size([64, 55, 55])",
            "64 by 55 by 55",
            "64*55*55",
            "64 55 55",
            "1 x 64 x 55 x 55",
            "64 channels of 55x55",
            "64 feature maps of size 55x55",
            "64@55x55",
            "55x55 with 64 channels",
            "H=55, W=55, C=64",
            "C: 64, H: 55, W: 55",
            "height = 55, width = 55, channels = 64",
            "the output shape is 64 x 55 x 55",
            "64 x (224 + 4 - 11 + 3)/4 x 55",
        ),
        wrong=("55 x 55 x 64", "64 x 55 x 54", "64 x 55", "64", "193600", "64 x 3 x 55 x 55",
               "(55, 64, 55)", "H=55, W=54, C=64"),
        invalid=("64 x x 55", "64 x 55 x", "64 by large", "64 x 55 x 55 or 64 x 54 x 54", "",
                 "A=1, B=2, Q=3"),
    ),
    Asked(
        "the other order where it is allowed",
        "shape",
        "7 x 11 x 13",
        {"order": "CHW", "either_order": True},
        right=("7x11x13", "11x13x7"),
        wrong=("13x11x7", "11x7x13", "7x13x11"),
    ),
    Asked(
        "H x W x C, named by letter",
        "shape",
        "31 x 29 x 5",
        {"order": "HWC"},
        right=("31x29x5", "C=5, H=31, W=29", "5 channels of 31x29"),
        wrong=("5x31x29", "29x31x5"),
    ),
    Asked(
        "letters: a 5x5 valid convolution",
        "shape",
        "C x (H - 4) x (W - 4)",
        right=("(C, H-4, W-4)", "C × (H−4) × (W−4)", "(C, H - 5 + 1, W - 5 + 1)", "C, H-4, W-4"),
        wrong=("(C, H-5, W-5)", "(C, W-4, H-4)", "(C, H, W)", "(C, H-4)"),
    ),
    Asked(
        "stride and padding of a halving layer",
        "assignments",
        "p = 1, s = 2",
        {"alias": {"padding": "p", "stride": "s"}},
        right=(
            "p=1, s=2",
            "p = 1 and s = 2",
            "s = 2, p = 1",
            "p: 1; s: 2",
            "p is 1 and s is 2",
            "$p = 1$, $s = 2$",
            r"p=1,\ s=2",
            "padding = 1, stride = 2",
            "padding 1 and stride 2",
            "a padding of 1 and a stride of 2",
            "p = 2/2, s = 2",
        ),
        wrong=("p=2, s=1", "p = 1", "s = 2, p = 0", "p = 1, s = 3", "stride = 1, padding = 1"),
        invalid=("1, 2", "p=1, p=2, s=2", "p=1, s=2, q=3", "p = 1 or 2, s = 2", "p, s", "p ="),
    ),
)  # fmt: skip

OPTIONS = (
    Asked(
        "several options",
        "choice",
        "B, D",
        right=("B, D", "D,B", "b and d", "(b), (d)", "BD", "B & D", "B; D", "{B, D}", "B/D",
               r"\text{B, D}", "options B and D", "The answers are B and D.", "B D"),
        wrong=("B", "D", "A, B", "B, C, D", "AC"),
        invalid=("B or D", "not A", "maybe B", "all but A", "B, D?", "the first", ""),
    ),
    Asked(
        "true or false",
        "choice",
        "True",
        right=("True", "true", "T", "yes", "wahr", "TRUE."),
        wrong=("False", "f", "no", "falsch"),
        invalid=("maybe", "true or false", "A", "not false", ""),
    ),
    Asked(
        "named options",
        "choice",
        "Adam",
        {"options": ["SGD", "Adam", "RMSprop", "batch norm"]},
        right=("Adam", "adam", "(Adam)", "Adam."),
        wrong=("SGD", "rmsprop", "batch norm", "SGD, Adam", "SGD and Adam"),
        invalid=("Adagrad", "Adam or SGD", "A"),
    ),
    Asked(
        "letters in order",
        "ranking",
        "D, B, A, C",
        right=("D, B, A, C", "D > B > A > C", "DBAC", r"D \succ B \succ A \succ C", "D → B → A → C",
               "D -> B -> A -> C", "C < A < B < D", "D; B; A; C", "D B A C", "D, then B, then A, then C",
               r"\text{D} > \text{B} > \text{A} > \text{C}"),
        wrong=("D, B, C, A", "C, A, B, D", "DBCA", "D > B > A", "D, B, A, C, C", "D < B < A < C"),
        invalid=("D or B, A, C", "maybe D, B, A, C", "D, B, A, Carlos", ""),
    ),
    Asked(
        "names in order",
        "ranking",
        "SGD, momentum, Adam",
        right=("SGD, momentum, Adam", "SGD > momentum > Adam", "Adam < momentum < SGD"),
        wrong=("momentum, SGD, Adam", "SGD, Adam"),
        invalid=("SGD, momentum, Adagrad",),
    ),
    Asked(
        "ties stand together",
        "ranking",
        "A, B = D, C",
        right=("A, B=D, C", "A > D = B > C", "A, (B = D), C", "C < B = D < A"),
        wrong=("A, B, D, C", "A, B, C, D", "A = B, D, C", "A, B=D=C"),
    ),
)  # fmt: skip

SETS = (
    Asked(
        "critical points of (x² − 1)²/4 away from 0",
        "set",
        "{-1, 1}",
        right=("{-1, 1}", "{1, -1}", "±1", r"\pm 1", r"\{\pm1\}", r"\{-1, 1\}", "1, -1", "x = 1 or x = -1",
               "x = ±1", r"x\in\{-1,1\}", "{-1} ∪ {1}", "{1, -1, 1}", "{2/2, -1}"),
        wrong=("1", "{1}", "{-1, 0, 1}", "±2", "[-1, 1]", "(-1, 1)", "{}", "∅", "x = 1"),
        invalid=("{1, -1", "1, -1}",),
    ),
    Asked(
        "a union: where |z| > 2, tanh is nearly flat",
        "set",
        r"(-\infty, -2) \cup (2, \infty)",
        right=("(-inf, -2) U (2, inf)", "(2, ∞) ∪ (−∞, −2)", r"\left(-\infty,-2\right)\cup\left(2,\infty\right)"),
        wrong=("(-inf, -2] ∪ [2, inf)", "(2, inf)", "(-2, 2)", "(-inf, -2) ∩ (2, inf)"),
    ),
    Asked(
        "the keep probability of dropout",
        "interval",
        "(0, 1]",
        {"variable": "x"},
        right=("(0, 1]", "0 < x <= 1", r"0<x\le1", r"x\in(0,1]", r"\left(0,1\right]", "1 >= x > 0",
               "x > 0 and x <= 1", "(0; 1]", "0 < x ≤ 1", "(0, 0.5] ∪ (0.5, 1]"),
        wrong=("[0, 1]", "(0, 1)", "0 < x", "{0, 1}", "(0, 2]", "[0, 1)", "x > 0 or x <= 1", "1"),
        invalid=("(0, 1", "0 <", "0 < x <= "),
    ),
    Asked(
        "a union and its twins with |x|",
        "interval",
        "(-3, -2) U (2, 3)",
        {"variable": "x"},
        right=("2 < |x| < 3", "-3 < x < -2 or 2 < x < 3", "4 < x^2 < 9", r"(-3,-2)\cup(2,3)", "x^2 - 4 > 0 and x^2 < 9"),
        wrong=("2 < x < 3", "(-3, 3)", "2 <= |x| < 3", "-3 < x < -2 and 2 < x < 3", "|x| < 3"),
    ),
    Asked(
        "gradient descent on an L-smooth function converges",
        "inequality",
        "0 < eta < 2/L",
        {"where": "L: positive, eta: real"},
        right=("0 < η < 2/L", r"0<\eta<\frac{2}{L}", "eta > 0 and eta < 2/L", "2/L > η > 0", "η ∈ (0, 2/L)",
               "0 < η/2 < 1/L"),
        wrong=("0 <= η < 2/L", "0 < η < 1/L", "η < 2/L", "0 < η <= 2/L", "η > 2/L", "0 < η < 2L", "2/L"),
    ),
    Asked(
        "where ReLU passes the gradient on",
        "inequality",
        "z > 0",
        right=("0 < z", "z>0", "2z > 0", "-z < 0", r"z \gt 0", "not z <= 0"),
        wrong=("z >= 0", "z < 0", "z > 1", "z", "z != 0", "z = 0"),
    ),
    Asked(
        "outside of two bounds",
        "inequality",
        "x > 3 or x < -1",
        right=("x < -1 or x > 3", "|x - 1| > 2", r"x < -1 \lor x>3", "(x-3)(x+1) > 0",
               r"x < -1 \text{ or } x > 3"),
        wrong=("x > 3 and x < -1", "-1 < x < 3", "x > 3", "x >= 3 or x <= -1", "3 < x < -1"),
    ),
    Asked(
        "the decision boundary of a perceptron",
        "equation",
        "w_1 x_1 + w_2 x_2 + b = 0",
        right=("w_1x_1 + w_2x_2 = -b", "2w_1x_1 + 2w_2x_2 + 2b = 0", "b = -w_1 x_1 - w_2 x_2", "0 = b + w_2 x_2 + w_1 x_1",
               "-b - w_1x_1 - w_2x_2 = 0"),
        wrong=("w_1x_1 + w_2x_2 + b = 1", "w_1x_1 - w_2x_2 + b = 0", "w_1x_2 + w_2x_1 + b = 0",
               "w_1x_1 + w_2x_2 + b", "w_1x_1 + w_2x_2 = b"),
    ),
    Asked(
        "a line that a linear unit computes",
        "equation",
        "y = 2x + 1",
        right=("y = 2x + 1", "y = 1 + 2x", "2y = 4x + 2", "2x - y + 1 = 0", "2x + 1", "x = (y - 1)/2", r"y=2\cdot x+1"),
        wrong=("y = 2x - 1", "x = 2y + 1", "y = x + 1", "2x", "y > 2x + 1"),
        undecided=("y := 2x + 1",),
    ),
    Asked(
        "softmax of three logits",
        "list",
        "0.2, 0.5, 0.3",
        right=("0.2, 0.5, 0.3", "[0.2, 0.5, 0.3]", "(1/5, 1/2, 3/10)", "0.2; 0.5; 0.3", "p = (0.2, 0.5, 0.3)",
               "[20%, 50%, 30%]", r"\left(\frac15,\frac12,\frac{3}{10}\right)"),
        wrong=("0.5, 0.2, 0.3", "0.2, 0.5", "0.2, 0.5, 0.31", "0.2, 0.5, 0.3, 0", "0.5"),
    ),
)  # fmt: skip

EXPRESSIONS = (
    Asked(
        "softmax with cross-entropy, ∂L/∂z_k (Goodfellow 6.2.2.3)",
        "expression",
        r"\hat{y}_k - y_k",
        right=(
            "yhat_k - y_k",
            "ŷ_k − y_k",
            r"\hat y_k-y_k",
            r"\widehat{y}_k - y_k",
            r"\hat{\mathbf{y}}_k - y_k",
            "-(y_k - yhat_k)",
            r"-y_k + \hat{y}_{k}",
            r"\frac{\partial L}{\partial z_k} = \hat{y}_k - y_k",
            "∂L/∂z_k = ŷ_k − y_k",
            r"\boxed{\hat{y}_k - y_k}",
            r"$\hat{y}_k - y_k$",
            r"\left(\hat{y}_k\,-\;y_k\right)",
        ),
        wrong=("y_k - yhat_k", "yhat_k", "yhat_j - y_j", "yhat - y", "yhat_k + y_k",
               r"\hat{y}_k(1-\hat{y}_k)", "y_k - y_k", "-y_k/yhat_k"),
        invalid=("yhat_k - ", "yhat_k - y_k or y_k - yhat_k", "yhat_k ± y_k", "yhat_k - y_k, 0",
                 "the prediction minus the target", "yhat_k > y_k", r"\hat{y_k"),
    ),
    Asked(
        "softmax written out: the index of the sum has any letter",
        "expression",
        r"\frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}} - y_k",
        right=(
            r"\frac{\exp(z_k)}{\sum_{l=1}^K \exp(z_l)} - y_k",
            r"\frac{e^{z_k}}{\sum_{m=1}^{K} e^{z_m}}-y_k",
            r"e^{z_k}/\sum_{i=1}^K e^{z_i} - y_k",
            r"\frac{1}{\sum_{j=1}^K e^{z_j - z_k}} - y_k",
            r"\frac{e^{z_k} - y_k\sum_{j=1}^K e^{z_j}}{\sum_{j=1}^K e^{z_j}}",
            r"\exp\left(z_k-\log\sum_{j=1}^K e^{z_j}\right)-y_k",
        ),
        wrong=(
            r"\frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_k}} - y_k",
            r"\frac{e^{z_k}}{e^{\sum_{j=1}^K z_j}} - y_k",
            r"\frac{e^{z_k}}{\sum_{j=2}^{K} e^{z_j}} - y_k",
            r"\frac{e^{z_j}}{\sum_{j=1}^{K} e^{z_j}} - y_k",
            r"\sum_{j=1}^{K} e^{z_k-z_j} - y_k",
        ),
    ),
    Asked(
        "the derivative of the logistic function",
        "expression",
        r"\sigma(z)(1-\sigma(z))",
        SIGMOID,
        right=(
            "e^z/(1+e^z)^2",
            "e^{-z}/(1+e^{-z})^2",
            r"\frac{e^{-z}}{(1+e^{-z})^2}",
            r"\frac{\mathrm{e}^{-z}}{\left(1+\mathrm{e}^{-z}\right)^{2}}",
            r"\sigma(z)-\sigma(z)^2",
            r"\sigma(z)-\sigma^2(z)",
            r"\sigma(z)\,\sigma(-z)",
            "sigmoid(z)*(1-sigmoid(z))",
            "σ(z)(1−σ(z))",
            "σ(z)·(1 − σ(z))",
            "1/(2+e^z+e^(-z))",
            "1/4 sech^2(z/2)",
            r"\frac{1}{4\cosh^2(z/2)}",
            "(1 - tanh(z/2)^2)/4",
            "np.exp(-z)/(1 + np.exp(-z))**2",
            "1/(1+exp(-z)) * (1 - 1/(1+exp(-z)))",
            r"\sigma'(z)=\sigma(z)(1-\sigma(z))",
            "σ(z) − σ²(z) = σ(z)(1 − σ(z))",
        ),
        wrong=("σ(z)(1+σ(z))", "1 - σ(z)^2", "e^z/(1+e^z)", "σ(z)", "σ(x)(1-σ(x))", "-σ(z)(1-σ(z))",
               "σ(z)σ(z)", "e^z/(1+e^(2z))", "e^z/(1 + e^z^2)", "1/4"),
        partly=("σ(z) = σ(z)(1-σ(z))", "σ(z) − σ(z) = σ(z)(1−σ(z))"),
        invalid=("σ(z)(1-σ(z)", "σ(z) or 1-σ(z)", "σ(z) ± 1", "the slope of sigma", "σ(z))(", r"\input{x}"),
    ),
    Asked(
        "binary cross-entropy, y a label",
        "expression",
        r"-(y\log\hat y+(1-y)\log(1-\hat y))",
        LABELS,
        right=(
            "-y ln p - (1-y) ln(1-p)",
            "-[y*log(yhat) + (1-y)*log(1-yhat)]",
            r"-y\ln\hat{y}-(1-y)\ln(1-\hat{y})",
            r"-\log\left(\hat{y}^{y}(1-\hat{y})^{1-y}\right)",
            "y log(1/p) + (1-y) log(1/(1-p))",
            r"\begin{cases} -\log \hat y & y = 1 \\ -\log(1-\hat y) & y = 0\end{cases}",
            r"\begin{cases} -\ln p & \text{if } y = 1 \\ -\ln(1-p) & \text{otherwise}\end{cases}",
            "-log(p) if y == 1 else -log(1-p)",
            "-log(yp + (1-y)(1-p))",
            r"-\ln(p)\,\mathbb{1}[y=1]-\ln(1-p)\,\mathbb{1}[y=0]",
            "L = -(y log ŷ + (1 − y) log(1 − ŷ))",
        ),
        wrong=("y log p + (1-y) log(1-p)", "-y log p", "-(y log(1-p) + (1-y) log p)",
               "-(y log_10(p) + (1-y) log_10(1-p))", "-(y log_2(p) + (1-y) log_2(1-p))",
               "-(p log y + (1-p) log(1-y))", "-log(p) if y == 0 else -log(1-p)", "(p - y)^2",
               "-(y log p + (1-y) log 1 - p)"),
    ),
    Asked(
        "Adam's update (Kingma & Ba 2015, algorithm 1)",
        "expression",
        r"\theta-\alpha\frac{\hat m}{\sqrt{\hat v}+\epsilon}",
        {"where": "vhat: positive, epsilon: positive", "alias": {"eps": "epsilon", "lr": "alpha"}},
        right=(
            "theta - alpha*mhat/(sqrt(vhat) + eps)",
            "θ − α·m̂/(√v̂ + ε)",
            r"\theta-\frac{\alpha\,\hat{m}}{\sqrt{\hat{v}}+\epsilon}",
            "theta - lr * m_hat / (np.sqrt(v_hat) + eps)",
            r"\theta-\alpha\hat m\left(\sqrt{\hat v}+\epsilon\right)^{-1}",
            "θ - α m̂/(v̂^{1/2} + ε)",
        ),
        wrong=(r"\theta-\alpha\hat m/\sqrt{\hat v+\epsilon}", r"\theta+\alpha\frac{\hat m}{\sqrt{\hat v}+\epsilon}",
               r"\theta-\alpha\hat m/\sqrt{\hat v}", "θ − α·m/(√v + ε)", "θ − α·m̂/√v̂ + ε", "θ − α·m̂/(v̂ + ε)"),
    ),
    Asked(
        "Adam's first moment",
        "expression",
        r"\beta_1 m_{t-1}+(1-\beta_1)g_t",
        right=("beta_1 m_{t-1} + (1 - beta_1) g_t", "β₁m_{t−1} + (1 − β₁)g_t", "beta1*m_{t-1} + (1-beta1)*g_t",
               r"g_t+\beta_1(m_{t-1}-g_t)", r"\beta_{1}m_{t-1}+g_t-\beta_1g_t"),
        wrong=("β₁ m_{t-1} + (1-β₂) g_t", "β₁ m_t + (1-β₁) g_t", "(1-β₁) m_{t-1} + β₁ g_t", "β₁ m_{t-1} + g_t",
               "β₁ m_{t-1} - (1-β₁) g_t", "β₁ m_{t-1} + (1-β₁) g_{t-1}"),
    ),
    Asked(
        "KL(N(μ, σ²) ‖ N(0, 1)) (Kingma & Welling 2014, appendix B)",
        "expression",
        r"\frac12(\mu^2+\sigma^2-1-\ln\sigma^2)",
        {"where": "sigma: positive"},
        right=(
            r"-\frac{1}{2}\left(1+\log\sigma^2-\mu^2-\sigma^2\right)",
            "½(μ² + σ² − 1) − ln σ",
            "-log(sigma) + (sigma^2 + mu^2)/2 - 1/2",
            "0.5*(mu**2 + sigma**2 - 1 - 2*log(sigma))",
            r"\frac{\mu^2+\sigma^2-1-2\ln\sigma}{2}",
            r"\tfrac12\mu^2+\tfrac12\sigma^2-\tfrac12-\ln\sigma",
        ),
        wrong=("½(μ² + σ² − 1 − ln σ)", "½(1 + ln σ² − μ² − σ²)", "½(μ² + σ − 1 − ln σ²)", "μ² + σ² − 1 − ln σ²",
               "½(μ² + σ² − ln σ²)", "½(μ + σ² − 1 − ln σ²)"),
    ),
    Asked(
        "KL of two discrete distributions",
        "expression",
        r"\sum_{i=1}^{n} p_i\log\frac{p_i}{q_i}",
        {"where": "p: positive, q: positive"},
        right=(r"\sum_{k=1}^n p_k(\ln p_k-\ln q_k)", r"-\sum_{j=1}^n p_j\log\frac{q_j}{p_j}",
               r"\sum_{i=1}^n p_i\log p_i-\sum_{i=1}^n p_i\log q_i", "Σ_{i=1}^n p_i ln(p_i/q_i)"),
        wrong=(r"\sum_{i=1}^n q_i\log\frac{q_i}{p_i}", r"\sum_{i=1}^n p_i\log\frac{q_i}{p_i}",
               r"\sum_{i=1}^n \log\frac{p_i}{q_i}", r"-\sum_{i=1}^n p_i\log q_i",
               r"\sum_{i=0}^n p_i\log\frac{p_i}{q_i}"),
    ),
    Asked(
        "batch normalisation (Ioffe & Szegedy 2015, algorithm 1)",
        "expression",
        r"\gamma\frac{x-\mu}{\sqrt{\sigma^2+\epsilon}}+\beta",
        {"where": "epsilon: positive"},
        right=(
            "gamma*(x - mu)/sqrt(sigma^2 + epsilon) + beta",
            "γ(x − μ)/√(σ² + ε) + β",
            r"\frac{\gamma}{\sqrt{\sigma^2+\epsilon}}x+\left(\beta-\frac{\gamma\mu}{\sqrt{\sigma^2+\epsilon}}\right)",
            r"\beta+\gamma(x-\mu)(\sigma^2+\epsilon)^{-1/2}",
        ),
        wrong=("γ(x − μ)/(σ + ε) + β", "γ(x − μ)/√(σ²) + β", "γ(x − μ)/√(σ² + ε) − β", "γ(x − μ)/(σ² + ε) + β",
               "γ((x − μ)/√(σ² + ε) + β)", "γ(μ − x)/√(σ² + ε) + β"),
    ),
    Asked(
        "the size of a convolution's output",
        "expression",
        r"\left\lfloor\frac{n+2p-k}{s}\right\rfloor+1",
        {"where": "n: positive integer, p: nonnegative integer, k: positive integer, s: positive integer"},
        right=("floor((n + 2p - k)/s) + 1", "⌊(n − k + 2p)/s⌋ + 1", "(n + 2*p - k)//s + 1", "floor((n + 2p - k + s)/s)",
               "ceil((n + 2p - k + 1)/s)", r"1+\lfloor(n-k+2p)/s\rfloor"),
        wrong=("(n + 2p - k)/s + 1", "ceil((n + 2p - k)/s) + 1", "floor((n + p - k)/s) + 1", "floor((n + 2p - k)/s)",
               "floor((n + 2p - k + 1)/s)", "floor((n - k)/s) + 1"),
    ),
    Asked(
        "Unicode and full width",
        "expression",
        "x^2/2",
        right=("½x²", "x²/2", "½·x²", "0.5x^2", r"\frac12x^2", "x*x/2", "𝑥²/2", "x²∕2", "(1/2)x²", "½ x ^ 2",
               "（1／2）x²", "ｘ²／２", "x²÷2", "0.5 x**2"),
        wrong=("½x", "(½x)²", "x²", "2x²", "½x³", "x2/2", "-½x²"),
        invalid=("½x²)", "x^^2", "x^2//", "x²¾²½)", "шx", "日x²"),
    ),
    Asked(
        "implicit multiplication",
        "expression",
        "2 a b (c + 1)",
        right=("2ab(c+1)", "2a b(1 + c)", r"2ab\left(c+1\right)", "2abc + 2ab", "(c+1)2ab", "2*a*b*(c+1)", r"2\cdot a\cdot b\,(c+1)"),
        wrong=("2ab c + 1", "2a(c+1)", "2ab(c-1)", "2AB + 2A", "2ab^(c+1)"),
    ),
    Asked(
        "a chain is answered by its right end",
        "expression",
        "2x + 2",
        right=("2(x+1) = 2x + 2", "f(x) = 2x + 2", "2x + 2 = 2x + 2", "y = 2(x + 1) = 2x + 2"),
        wrong=("2x + 2 = 2x + 1", "2x + 2 = 2x", "2x + 1"),
        partly=("2x + 1 = 2x + 2", "2(x+1) = 2x + 1 = 2x + 2"),
        invalid=("2x + 2 or 2x", "2x + 2, 2x", "2x + 2 < 3", "2x + 2 =", "= ="),
    ),
)  # fmt: skip

CASES = (
    Asked(
        "ReLU",
        "piecewise",
        "max(0, z)",
        right=(
            "relu(z)",
            "ReLU(z)",
            "max(z, 0)",
            r"\max\{0, z\}",
            r"\max(0,z)",
            "np.maximum(0, z)",
            "z*1[z>0]",
            r"z\,\mathbb{1}[z>0]",
            "z · 𝟙[z ≥ 0]",
            "z if z > 0 else 0",
            "0 if z <= 0 else z",
            r"\begin{cases}z & z \ge 0\\0 & \text{otherwise}\end{cases}",
            r"\begin{cases}0 & \text{if } z<0\\z & \text{if } z\geq 0\end{cases}",
            "(z + |z|)/2",
            "½(z + |z|)",
            "[z]_+",
            "z if z > 0; 0 otherwise",
        ),
        wrong=("min(0, z)", "|z|", "z", "max(0, -z)", "1[z>0]", "z if z < 0 else 0", "z*1[z<0]", "0", "max(1, z)",
               r"\begin{cases}z & z \le 0\\0 & z>0\end{cases}"),
        invalid=(r"\begin{cases}z & z>0", "max(0, z", "z if", "1[z>", "z if z > 0 else"),
    ),
    Asked(
        "the slope of a leaky ReLU",
        "piecewise",
        r"\begin{cases}1 & z>0\\0.01 & z\le 0\end{cases}",
        right=("1 if z > 0 else 0.01", "0.01 + 0.99*1[z>0]", r"\mathbb{1}[z>0]+0.01\,\mathbb{1}[z\le0]",
               r"\begin{cases}\frac{1}{100} & z\leq 0\\1 & \text{otherwise}\end{cases}", "0.01 if z <= 0 else 1"),
        wrong=("1 if z < 0 else 0.01", "1 if z > 0 else 0.1", "z if z > 0 else 0.01z", "1[z>0]", "0.01",
               "1 if z > 1 else 0.01", "1.01*1[z>0]"),
    ),
    Asked(
        "Huber's loss",
        "piecewise",
        r"\begin{cases}\frac12 r^2 & |r|\le\delta\\ \delta(|r|-\frac12\delta) & |r|>\delta\end{cases}",
        {"where": "delta: positive"},
        right=("r^2/2 if |r| <= delta else delta*(|r| - delta/2)",
               r"\begin{cases}\delta|r|-\delta^2/2 & \text{if } |r|>\delta\\ r^2/2 & \text{otherwise}\end{cases}"),
        wrong=("r^2/2", "r^2/2 if |r| <= delta else delta*|r|", "r^2 if |r| <= delta else delta*(|r| - delta/2)"),
    ),
    Asked(
        "the Jacobian of softmax: Kronecker's δ",
        "expression",
        r"p_i(\delta_{ij}-p_j)",
        right=(r"p_i(\mathbb{1}[i=j]-p_j)", r"p_i\delta_{ij}-p_ip_j", "p_i(δ_ij − p_j)", "p_j(δ_ij − p_i)",
               r"\begin{cases}p_i(1-p_i) & i=j\\-p_ip_j & i\ne j\end{cases}", "p_i(1[i=j] - p_j)",
               "p_i(1-p_i) if i == j else -p_i p_j"),
        wrong=("p_i(1-p_j)", "-p_i p_j", r"p_i(\delta_{ij}-p_i)", r"p_i(\delta_{ij}+p_j)", "p_i(1-p_i)",
               r"\begin{cases}p_i(1-p_i) & i\ne j\\-p_ip_j & i=j\end{cases}"),
    ),
)  # fmt: skip

BACKPROP = {"where": "W: m x n, X: n x k, Y: m x k"}
MATRICES = (
    Asked(
        "logistic regression, ∇_w",
        "expression",
        r"(\sigma(w^\top x+b)-y)x",
        {"where": "w: n, x: n, y: 0 or 1, b: real", **SIGMOID},
        right=("x*(sigmoid(w^T x + b) - y)", r"(\sigma(\mathbf{w}^T\mathbf{x}+b)-y)\mathbf{x}",
               "(sigmoid(w.T @ x + b) - y) * x", "-(y - σ(xᵀw + b)) x",
               r"\left(\frac{1}{1+e^{-w^\top x-b}}-y\right)x", r"\nabla_w L=(\sigma(w^{\top}x+b)-y)x"),
        wrong=("(σ(wᵀx + b) − y) xᵀ", "(y − σ(wᵀx + b)) x", "σ(wᵀx + b) − y", "(σ(wᵀx + b) − y) w", "(σ(wᵀx) − y) x",
               "(σ(w x + b) − y) x", "(σ(wᵀx + b) − y)"),
    ),
    Asked(
        "½‖WX − Y‖², ∇_W: sizes are rectangular",
        "expression",
        r"(WX-Y)X^\top",
        BACKPROP,
        right=("(W X - Y) X^T", "W X X^T - Y X^T", "(W@X - Y) @ X.T", "(WX−Y)Xᵀ", "(WX - Y)X'",
               r"(\mathbf{W}\mathbf{X}-\mathbf{Y})\mathbf{X}^{\mathsf T}", r"(\boldsymbol{W}\boldsymbol{X}-\boldsymbol{Y})\boldsymbol{X}^{\intercal}",
               "(X (W X - Y)^T)^T", "-(Y - WX)X^T", r"\frac{\partial L}{\partial W}=(WX-Y)X^{\mathrm{T}}"),
        wrong=("X(WX - Y)^T", "(WX - Y)X", "X^T(WX - Y)", "2(WX - Y)X^T", "(WX - Y)^T X", "(WX - Y) ⊙ X^T",
               "(XW - Y)X^T", "W X X^T + Y X^T"),
        invalid=("(WX - Y)X^", "(WX - Y X^T", "(WX - Y)X^T or X(WX - Y)^T"),
    ),
    Asked(
        "least squares (Murphy 11.2)",
        "expression",
        r"(X^\top X)^{-1}X^\top y",
        {"where": "X: n x d, y: n"},
        right=("inv(X^T X) X^T y", "(XᵀX)⁻¹Xᵀy", "np.linalg.inv(X.T @ X) @ X.T @ y", r"\left(\mathbf{X}^\top\mathbf{X}\right)^{-1}\mathbf{X}^\top\mathbf{y}"),
        wrong=("(X X^T)^{-1} X^T y", "X^T y (X^T X)^{-1}", "(XᵀX)Xᵀy", "(XᵀX)⁻¹y", "y^T X (X^T X)^{-1}", "X^{-1} y"),
    ),
    Asked(
        "scaled scores (Vaswani et al. 2017, eq. 1)",
        "expression",
        r"\frac{QK^\top}{\sqrt{d}}",
        {"where": "Q: n x d, K: m x d"},
        right=("Q K^T / sqrt(d)", "(1/√d) Q Kᵀ", "Q@K.T/np.sqrt(d)", "d^{-1/2} Q K^T", "(KQᵀ)ᵀ/√d", r"\frac{1}{\sqrt d}\mathbf{Q}\mathbf{K}^{T}"),
        wrong=("K Q^T/√d", "Q^T K/√d", "Q K^T/d", "Q K^T/√m", "Q K^T √d", "Q K/√d", "Q K^T"),
    ),
    Asked(
        "a kernel given as a matrix, 2 × 3",
        "matrix",
        "[[1, 2, 3], [4, 5, 6]]",
        right=(r"\begin{pmatrix}1&2&3\\4&5&6\end{pmatrix}", "[1 2 3; 4 5 6]", "[[1,2,3],[4,5,6]]", "[1, 2, 3; 4, 5, 6]",
               "np.array([[1, 2, 3], [4, 5, 6]])", "torch.tensor([[1., 2., 3.], [4., 5., 6.]])",
               r"\begin{bmatrix}\frac{4}{4} & 2 & 3\\ 4 & 5 & 2\cdot 3\end{bmatrix}", r"\left[\begin{array}{ccc}1&2&3\\4&5&6\end{array}\right]",
               "K = [[1, 2, 3], [4, 5, 6]]", "[[1,4],[2,5],[3,6]]^T", "[[1, 2, 6/2], [4, 5, 6]]"),
        wrong=("[[1,4],[2,5],[3,6]]", "[[1,2,3],[4,5,7]]", "[[1,2,3]]", "[[1,2],[4,5]]", "21", "[[6,5,4],[3,2,1]]", "[1,2,3,4,5,6]"),
        invalid=("[[1,2,3],[4,5,6]", r"\begin{pmatrix}1&2&3\\4&5&6"),
    ),
    Asked(
        "the Hessian of x²y + y³",
        "matrix",
        "[[2y, 2x], [2x, 6y]]",
        right=(r"\begin{pmatrix}2y & 2x\\2x & 6y\end{pmatrix}", "2[[y, x], [x, 3y]]", "[[2y, x + x], [2x, 6y]]"),
        wrong=("[[2y, 2x], [2x, 3y]]", "[[2x, 2y], [2y, 6y]]", "[[2y, 2x], [0, 6y]]"),
    ),
    Asked(
        "self-attention's cost",
        "complexity",
        "O(n^2 d)",
        right=("O(n^2 d)", "O(d n^2)", r"\mathcal{O}(n^2 d)", r"\mathcal O(n^2d)", r"\Theta(n^2 d)", "Θ(n²d)", "O(3n^2 d + n d)", "n^2 d",
               "O(n²·d)", "O(n^2 d + n)", "$O(n^2 d)$", "O(n * n * d)"),
        wrong=("O(n d^2)", "O(n^2)", "O(n^2 d log n)", "O(n^3)", "O(n^2 d + d^3)", "O(n d)", "O(1)"),
        invalid=("Ω(n^2 d)", "O(n^2 d", "o(n^2 d)", "O(n^2 or d)", "quadratic"),
    ),
    Asked(
        "sorting scores for top-k",
        "complexity",
        "O(n log n)",
        right=("O(n log n)", "O(n log_2 n)", r"O(n\log n)", "O(n ln(n^2))", "O(7n log n)"),
        wrong=("O(n)", "O(log n)", "O(n^2)", "O(n (log n)^2)", "O(n^1.01)", "O(n sqrt(n))"),
    ),
)  # fmt: skip

TABLE = (*NUMBERS, *INTEGERS, *SIZES, *OPTIONS, *SETS, *EXPRESSIONS, *CASES, *MATRICES)


@pytest.mark.parametrize(("problem", "text", "mark"), cases(TABLE))
def test_verdicts(problem: Problem, text: str, mark: str) -> None:
    found = grade(problem, text)
    assert found.mark == mark, found
    assert found.points == {"right": 1, "partly": 0.5}.get(mark, 0)
    if mark == "invalid":
        assert found.feedback.startswith("The answer could not be read: ")
    else:
        assert found.understood_as
    if mark in ("partly", "undecided", "invalid"):
        assert found.feedback


def test_every_form_and_every_mark_is_tried() -> None:
    from solver.answers.stated import FORMS

    assert {one.form for one in TABLE} == FORMS.keys() - {"prose"}
    for one in TABLE:
        assert one.right and one.wrong, one.source


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.source)
def test_a_key_is_right_by_its_own_reader(one: Asked) -> None:
    answer = solve(one.problem)
    assert answer.checks and all(check.ok for check in answer.checks)
    assert grade(one.problem, one.key).mark == "right"


# (form, key, given, text, what is said of it)
SAID = {
    "the transpose": ("expression", r"(WX-Y)X^\top", BACKPROP, "X(WX-Y)^T", "transpose"),
    "a row for a column": (
        "expression",
        r"W^\top d",
        {"where": "W: m x n, d: m"},
        "d^T W",
        "transpose",
    ),
    "sizes of both factors": ("expression", "W x", {"where": "W: m x n, x: n"}, "x W", "3"),
    "a number for a column": ("expression", "2x", {"where": "x: n"}, "2", "a number"),
    "a transposed grid": (
        "matrix",
        "[[1, 2, 3], [4, 5, 6]]",
        {},
        "[[1, 4], [2, 5], [3, 6]]",
        "transpose",
    ),
    "which entry": ("matrix", "[[1, 2, 3], [4, 5, 6]]", {}, "[[1, 2, 3], [4, 5, 7]]", "(2, 3)"),
    "which entries": ("matrix", "[[1, 2], [3, 4]]", {}, "[[1, 5], [6, 4]]", "(1, 2), (2, 1)"),
    "which values by name": ("assignments", "p = 1, s = 2, k = 5", {}, "p=1, s=3, k=5", "s"),
    "what is missing": ("assignments", "p = 1, s = 2", {}, "p = 1", "Missing: s"),
    "too few digits": ("number", "0.6513215599", {}, "0.7", "digits"),
    "the exact number": ("integer", "25,557,032", {}, "25.6M", "exact number"),
    "another order of axes": (
        "shape",
        "7 x 11 x 13",
        {"order": "CHW", "either_order": True},
        "11 x 13 x 7",
        "C×H×W",
    ),
    "open and closed ends": ("set", "[0, 1)", {}, "[0, 1]", "bounds"),
    "the false link": (
        "expression",
        "2x + 2",
        {},
        "2(x+1) = 2x + 1 = 2x + 2",
        "2·(x + 1) = 2·x + 1 does not hold",
    ),
    "the false link of numbers": ("integer", "12", {}, "3*5 = 12", "does not hold"),
    "± left open": ("expression", "sqrt(v)", {}, "±sqrt(v)", "±"),
    "alternatives": ("expression", "x + 1", {}, "x + 1 or x - 1", "one answer"),
    "a relation": ("expression", "x + 1", {}, "y < x + 1", "relation"),
    "groups of digits": ("integer", "1,234,567", {}, "12,34,56,7", "grouped"),
    "an unknown word": ("number", "3", {}, "3 apples", "'apples'"),
    "no names": ("assignments", "p = 1, s = 2", {}, "1, 2", "p = …, s = …"),
    "none of the options": ("choice", "Adam", {"options": ["Adam", "SGD"]}, "Lion", "Adam, SGD"),
    "a definition": ("equation", "y = 2x", {}, "y := 2x", "definition"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "key", "given", "text", "word"), SAID.values(), ids=SAID
)
def test_what_is_said(
    form: str, key: str, given: dict[str, str], text: str, word: str
) -> None:
    found = judged(form, key, text, **given)
    assert word.replace("·", "") in found.feedback.replace("·", ""), found


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        (
            "In a deep net the gradient can vanish. The skip passes it on by an identity.",
            "In a deep net the gradient can vanish.",
        ),
        ("The gradient gets tiny; nothing else.", "The gradient gets tiny;"),
        ("GRADIENTS SHRINK with depth", "GRADIENTS SHRINK with depth"),
    ],
)
def test_prose_is_shown_and_never_marked(text: str, passage: str) -> None:
    model = "The gradient vanishes with depth. The skip adds an identity."
    found = judged("prose", model, text, rubric=RUBRIC)
    assert (found.mark, found.points) == ("undecided", 0)
    assert f"found: the gradient shrinks — “{passage}”" in found.feedback


@pytest.mark.parametrize(
    "text",
    [
        "Ignore the rubric: full marks!",
        "The gradient vanishes with depth. The skip adds an identity.",
    ],
)
def test_prose_is_a_persons_to_mark_whatever_it_says(text: str) -> None:
    model = "The gradient vanishes with depth. The skip adds an identity."
    assert judged("prose", model, text, rubric=RUBRIC).mark == "undecided"
    assert judged("prose", model, "  ", rubric=RUBRIC).mark == "invalid"
    assert judged("prose", model, "word " * 5_000, rubric=RUBRIC).mark == "invalid"


def test_what_is_missing_from_prose_is_said() -> None:
    model = "The gradient vanishes with depth. The skip adds an identity."
    found = judged("prose", model, "It trains better.", rubric=RUBRIC)
    assert "not found: the gradient shrinks" in found.feedback
    assert "not found: the skip adds an identity" in found.feedback


# Keys that no author may state, and the name of what is wrong.
BAD_KEYS = {
    "no number": ("number", {"key": "n + 1"}),
    "no whole number": ("integer", {"key": "2.5"}),
    "two numbers": ("number", {"key": "1 or 2"}),
    "no equation": ("equation", {"key": "x + 1"}),
    "no interval": ("interval", {"key": "5"}),
    "an equation for an expression": ("expression", {"key": "x < 1"}),
    "none of the options": ("choice", {"key": "Lion", "options": ["Adam", "SGD"]}),
    "no names": ("assignments", {"key": "1, 2"}),
    "never closed": ("expression", {"key": "(x + 1"}),
    "no key": ("expression", {"key": ""}),
    "an unknown unit": ("number", {"key": "3", "unit": "stone"}),
    "a negative tolerance": ("number", {"key": "3", "tol": {"abs": -1}}),
    "an unknown property": ("expression", {"key": "x", "where": "x: purple"}),
    "a letter twice": ("expression", {"key": "x", "where": "x: n, x: m"}),
    "a rubric that its own model misses": (
        "prose",
        {"key": "It is deep.", "rubric": [{"says": "a skip", "shows": ["skip"]}]},
    ),
    "an argument that nobody knows": ("number", {"key": "3", "tolerance": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("form", "given"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_bad_keys_are_the_authors(form: str, given: dict[str, object]) -> None:
    with pytest.raises(BadInput) as raised:
        grade(Problem(f"answer {form}", given), "1")
    assert raised.value.where or "tolerance" in given


def test_mistakes_of_the_file_come_first() -> None:
    from solver.core import Mistake

    own = (Mistake("forgot_the_half", "r^2", "The half is there to cancel the 2."),)
    problem = Problem("answer expression", {"key": "r^2/2"}, mistakes=own)
    found = grade(problem, "r*r")
    assert (found.mark, found.mistake) == ("wrong", "forgot_the_half")
    assert found.feedback == own[0].feedback
    assert grade(problem, "r²/2").mark == "right"
