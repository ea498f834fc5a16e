"""Lemmas as mathematics: every rule's docstring sets in LaTeX and in MathML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from solver import lemma
from solver.calculus.rules import RULES

LEMMAS = sorted({(f.__doc__ or "").split("\n")[0] for f in RULES.values()})
MATHEMATICS = [s for s in LEMMAS if lemma.is_lemma(s)]


def test_almost_every_rule_is_mathematics():
    assert [s for s in LEMMAS if s not in MATHEMATICS] == ["diag is linear; its adjoint is diag"]


@pytest.mark.parametrize("text", MATHEMATICS)
def test_latex_holds_no_sign_that_fonts_lack(text):
    shown = lemma.latex(text)
    assert shown.isascii(), shown
    assert shown.count("{") == shown.count("}") and shown.count("$") == 2


@pytest.mark.parametrize("text", MATHEMATICS)
def test_mathml_is_well_formed_and_loses_no_letter(text):
    root = ElementTree.fromstring(lemma.mathml(text))
    letters = [c for c in "".join(root.itertext()) if c.isascii() and c.isalpha()]
    plain = [c for c in text.replace("ᵃ", "a").replace("ˣ", "x") if c.isascii() and c.isalpha()]
    assert letters == plain


SHOWN = [
    ("d(A·X·B) = A·dX·B",
     r"$\mathrm{d}(A\cdot X\cdot B) = A\cdot \mathrm{d}X\cdot B$"),
    ("tanh′ = 1 − tanh²", r"$\operatorname{tanh}' = 1 - \operatorname{tanh}^{2}$"),
    ("(√x)′ = 1/(2√x)", r"$(\sqrt{x})' = 1/(2\sqrt{x})$"),
]  # fmt: skip


@pytest.mark.parametrize("case", SHOWN, ids=lambda c: c[0])
def test_a_lemma_in_latex(case):
    assert lemma.latex(case[0]) == case[1]


@pytest.mark.parametrize("text", ["through W1", "the mean over the n samples", "forward"])
def test_words_stay_words(text):
    assert not lemma.is_lemma(text)


def test_signs_of_latex_and_html_are_escaped():
    assert lemma.latex("dX_1 & d s") .count("$") == 2 and r"\&" in lemma.latex("d s & x")
    assert "&amp;" in lemma.mathml("d s & x")
