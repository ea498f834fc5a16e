"""What people mean by the letters of a network: which are losses, labels, biases, data."""

from __future__ import annotations

import re

# what only columns, rows and matrices have
VECTORIAL = re.compile(r"'|ᵀ|\^\s*\{?\s*(?:T\b|\\top)|\.[*/^]|\\odot|\\[lr]?[vV]ert|‖"
                       r"|\b(?:row)?softmax|\bnorm|\bsum\b|\bvector\b|\bdiag\b")  # fmt: skip
LOSS = re.compile(r"[LlJCE]|ell|[Ll]oss|[Cc]ost|[Ee]rror")
SCALAR = re.compile(r"[ckst]|lam|lambda|alpha|beta|eta|gamma|eps|epsilon|mu|sigma|tau|rho")
BIAS = re.compile(r"b(?:_?\d+)?|bias")
LABEL = re.compile(r"(?:[yYtT]|[Ll]abels?|[Tt]argets?)(?:_?\w{1,4})?")
INPUT = re.compile(r"x_?\d*")
DATA = re.compile(
    r"(?:[xXyYtT])(?:_?\d+)?(?:_\w+)?|[hHcCsS]_?0|[mM]\d+|lam|lambda|alpha|eta|eps|epsilon"
)  # inputs and labels, initial states, masks, rates
MASK = re.compile(r"[mM]\d+")
