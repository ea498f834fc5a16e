"""How people spell functions, signs, macros and words: the tables of the tolerant reader."""

from __future__ import annotations

from solver.expressions.typeset_forms import ACCENTS

# Functions by each spelling; the value is the one that trees are made of.
FUNCTIONS: dict[str, str] = {
    **{f: f for f in (
        "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch",
        "exp", "log", "sqrt", "abs", "sign", "floor", "ceil", "max", "min", "sigmoid", "relu",
        "softplus", "softmax", "tr", "det", "inv", "diag", "transpose", "norm", "factorial",
        "binomial", "step", "vec", "dot", "outer", "round", "sum", "prod", "array",
    )},
    **{f"a{s}{f}": f"a{f}" for f in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh",
                                     "tanh") for s in ("", "rc", "r")},
    "ln": "log", "lg": "log10", "log10": "log10", "log2": "log2", "Abs": "abs", "sgn": "sign",
    "Sign": "sign", "ceiling": "ceil", "ReLU": "relu", "Relu": "relu", "RELU": "relu",
    "trace": "tr", "Tr": "tr", "Trace": "tr", "logistic": "sigmoid", "Sigmoid": "sigmoid",
    "heaviside": "step", "binom": "binomial", "choose": "binomial", "cosec": "csc",
    "Exp": "exp", "Log": "log", "Ln": "log", "Sqrt": "sqrt", "tg": "tan", "Max": "max",
    "Min": "min", "maximum": "max", "log1p": "log1p", "expm1": "expm1", "where": "where",
    "matmul": "dot", "inner": "dot", "mm": "dot", "minimum": "min", "arcsec": "asec",
    "diagonal": "diag", "product": "prod", "tensor": "array", "Matrix": "array", "asarray": "array",
    "matrix": "array",
}  # fmt: skip
CONSTANTS = {
    "pi": "pi",
    "inf": "∞",
    "infty": "∞",
    "infinity": "∞",
    "oo": "∞",
    "Inf": "∞",
}
FONTS = {
    "mathbf", "boldsymbol", "bm", "mathrm", "mathit", "mathsf", "mathcal", "mathbb", "mathds",
    "mathfrak", "textbf", "textrm", "textit", "textsf", "operatorname", "vec", "bold", "rm", "bf",
    "mathop", "text", "mbox", "textnormal", "emph", "symbf", "mathtt", "texttt",
}  # fmt: skip
OVER = {
    **{a: a for a in ACCENTS},
    "widehat": "hat",
    "overline": "bar",
    "widetilde": "tilde",
}
NOTHING = {
    "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl",
    "biggr", "Biggl", "Biggr", "quad", "qquad", "displaystyle", "textstyle", "limits",
    "nolimits", "scriptstyle", "mathstrut", "nonumber", "notag", "hfill", "thinspace", "middle",
    "negthinspace", "medspace", "thickspace", "enspace", "hline", "cr", "rm", "it",
}  # fmt: skip
MACROS = {
    "cdot": "·", "times": "*", "odot": "⊙", "circ": "⊙", "oslash": "⊘", "otimes": "⊗",
    "div": "/", "pm": "±", "mp": "∓", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥",
    "geq": "≥", "geqslant": "≥", "lt": "<", "gt": ">", "ne": "≠", "neq": "≠", "approx": "≈",
    "simeq": "≈", "sim": "≈", "equiv": "=", "in": "∈", "cup": "∪", "cap": "∩",
    "setminus": "∖", "land": "and", "wedge": "and", "lor": "or", "vee": "or", "neg": "not",
    "lnot": "not", "lVert": "‖", "rVert": "‖", "Vert": "‖", "lvert": "|", "rvert": "|",
    "vert": "|", "mid": "|", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "lbrace": "{{", "rbrace": "}}", "lbrack": "[", "rbrack": "]", "prime": "'", "infty": "∞",
    "emptyset": "∅", "varnothing": "∅", "top": "⊤", "intercal": "⊤", "ast": "*", "star": "*",
    "sum": "Σ", "prod": "Π", "colon": ":", "to": "→", "rightarrow": "→", "langle": "(",
    "rangle": ")", "lparen": "(", "rparen": ")", "Longrightarrow": "→", "Rightarrow": "→",
    "implies": "→", "iff": "→", "coloneqq": "←", "gets": "←", "leftarrow": "←", "bullet": "*",
    "degree": "°", "cosec": "csc", "ldots": "…", "dots": "…", "cdots": "…",
}  # fmt: skip
STRUCTURES = {"frac": "frac", "dfrac": "frac", "tfrac": "frac", "cfrac": "frac",
              "sqrt": "sqrt", "binom": "binom", "dbinom": "binom", "tbinom": "binom",
              "boxed": "boxed", "begin": "begin", "end": "end"}  # fmt: skip
ENVIRONMENTS = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix",
                "array", "cases", "aligned", "align", "equation", "gather", "split"}  # fmt: skip
SIGNS = {
    "·": "·", "×": "*", "⋅": "·", "∙": "·", "@": "@", "⊙": "⊙", "∘": "⊙", "⊗": "⊗", "⊘": "⊘",
    "−": "-", "–": "-", "—": "-", "÷": "/", "∕": "/", "⁄": "/", "±": "±", "∓": "∓", "≤": "≤",
    "⩽": "≤", "≥": "≥", "⩾": "≥", "≠": "≠", "≈": "≈", "≃": "≈", "∈": "∈", "∪": "∪", "∩": "∩",
    "∖": "∖", "∧": "and", "∨": "or", "¬": "not", "‖": "‖", "∥": "‖", "⌊": "⌊", "⌋": "⌋",
    "⌈": "⌈", "⌉": "⌉", "′": "'", "’": "'", "⊤": "⊤", "ᵀ": "ᵀ", "∞": "∞", "√": "√", "∑": "Σ",
    "∏": "Π", "∅": "∅", "→": "→", "⇒": "→", "←": "←", "≡": "=", "≔": "←", "°": "°", "…": "…",
    "【": "[", "】": "]", "，": ",", "；": ";", "∣": "|",
    **{c: c for c in "+-*/^()[]{}|,;:=<>'!%&_~$"},
}  # fmt: skip
LONG = {"**": "^", "<=": "≤", ">=": "≥", "!=": "≠", "==": "=", ":=": "←", "<-": "←", "->": "→",
        "=>": "→", "=<": "≤", "//": "//", ".*": "⊙", "./": "⊘", ".^": "^", "||": "‖", "&&": "and",
        "~=": "≈", "<>": "≠", "+-": "±", "+/-": "±", "...": "…", "&=": "=",
        "^^": "bad"}  # fmt: skip
UP = {**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")), "⁻": "-", "⁺": "+", "ᵀ": "T", "ⁿ": "n"}
DOWN = {**dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789")), **dict(zip("ᵢⱼₖₙₘₜₓₚ", "ijknmtxp"))}
VULGAR = {
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "⅓": "1/3",
    "⅔": "2/3",
    "⅛": "1/8",
    "⅕": "1/5",
}
# Short words that are never letters side by side.
STOPWORDS = {"no", "is", "it", "as", "at", "by", "of", "on", "so", "to", "we", "my", "an", "be",
             "do", "he", "me", "us", "go", "the", "all", "are", "yes", "not", "ok"}  # fmt: skip
SAID = {"and": "and", "or": "or", "not": "not", "if": "if", "for": "if", "when": "if",
        "falls": "if", "sonst": "else", "und": "and", "oder": "or",
         "otherwise": "else", "else": "else", "in": "∈", "union": "∪"}  # fmt: skip
