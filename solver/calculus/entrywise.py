"""Entry by entry, a tree of sums, products and quotients is scalar: SymPy puts it in lowest
terms, (y ⊘ ŷ − (1 − y) ⊘ (1 − ŷ)) ⊙ ŷ ⊙ (1 − ŷ) = y − ŷ, and it comes back typed.
"""

from __future__ import annotations

from solver.calculus.factor import factored, weight
from solver.expressions import matrix as m
from solver.expressions.matrix import dims, is_scalar
from solver.expressions.nodes import (
    Add,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Sym,
    plus,
    times,
    walk,
)
from solver.expressions.rebuild import rebuild

MOST = 8  # letters: SymPy's time grows fast with their number


def shortened(e: Expr) -> Expr:
    """The tree with common factors out, and with quotients cancelled where none is left.

    Quotients that stay are kept as they came: y ⊘ ŷ − (1 − y) ⊘ (1 − ŷ) is how it is
    written.
    """
    args = tuple(shortened(a) if isinstance(a, Expr) else a for a in e.args)
    if args != e.args:
        e = rebuild(e, args)
    candidates = [e, factored(e)]
    if isinstance(e, (Add, Mul, m.Had)) and any(map(is_quotient, entries_of(e))):
        for c in in_lowest_terms(e):
            if not any(map(is_quotient, entries_of(c))):
                candidates.append(factored(c))
    return sign_out(min(candidates, key=weight))


def sign_out(e: Expr) -> Expr:
    """a·(−b − c) as −a·(b + c)."""
    if not isinstance(e, (Mul, m.Dot, m.Had)):
        return e
    negative = [a for a in e.args if isinstance(a, Add) and all(m.split(t)[0] < 0 for t in a.args)]
    if not negative:
        return e
    turned = [m.add(m.neg(a)) if a in negative else a for a in e.args]
    return m.mul(Num((-1) ** len(negative)), rebuild(e, tuple(turned)))


def entries_of(e: Expr) -> list[Expr]:
    """The nodes of a tree that work entry by entry."""
    if isinstance(e, (Add, Mul, m.Had, Pow, m.HPow)):
        return [e, *(n for a in e.args for n in entries_of(a))]
    return []


def is_quotient(e: Expr) -> bool:
    """Whether a node is a power with a negative whole exponent, of more than a scalar
    letter: 1/N stays."""
    if not isinstance(e, (Pow, m.HPow)) or not isinstance(e.args[1], Num):
        return False
    if isinstance(e, Pow) and isinstance(e.args[0], m.Var):
        return False
    k = e.args[1].value
    return isinstance(k, int) and k < 0


def in_lowest_terms(e: Expr) -> list[Expr]:
    """The quotient in lowest terms, written out and in factors; none with many letters."""
    from solver.expressions.algebra import lowest_terms

    atoms: dict[Expr, Sym] = {}
    scalar = as_scalar(e, atoms)
    if len(atoms) > MOST or not any(isinstance(n, Div) for n in walk(scalar)):
        return []
    back = {s.name: a for a, s in atoms.items()}
    return [spread(as_typed(x, back), e) for x in lowest_terms(scalar)]


def as_scalar(e: Expr, atoms: dict[Expr, Sym]) -> Expr:
    """The tree of one entry; what is not entrywise becomes a letter."""
    if isinstance(e, Num):
        return e
    if isinstance(e, m.Ones):
        return Num(1)
    if isinstance(e, Add):
        return plus(*(as_scalar(a, atoms) for a in e.args))
    if isinstance(e, (Mul, m.Had)):
        return times(*(as_scalar(a, atoms) for a in e.args))
    if isinstance(e, (Pow, m.HPow)) and isinstance(e.args[1], Num):
        base, k = as_scalar(e.args[0], atoms), e.args[1].value
        if isinstance(k, int):
            return Pow(base, Num(k)) if k > 0 else Div(Num(1), Pow(base, Num(-k)))
    if e not in atoms:
        atoms[e] = Sym(f"u_{len(atoms)}", "real")
    return atoms[e]


def as_typed(e: Expr, back: dict[str, Expr]) -> Expr:
    """The typed tree of one entry's, its letters put back."""
    if isinstance(e, Num):
        return e
    if isinstance(e, Sym):
        return back[e.name]
    args = [as_typed(a, back) for a in e.args if isinstance(a, Expr)]
    if isinstance(e, Add):
        like = next((a for a in args if not is_scalar(a)), args[0])
        return m.add(*(spread(a, like) for a in args))
    if isinstance(e, Neg):
        return m.neg(args[0])
    if isinstance(e, Mul):
        return m.had(*args)
    if isinstance(e, Div):
        return m.had(args[0], m.hpow(args[1], Num(-1)))
    if isinstance(e, Pow):
        return m.hpow(args[0], args[1])
    raise TypeError(f"no typed tree for {type(e).__name__}")


def spread(e: Expr, like: Expr) -> Expr:
    """A scalar in every entry of another tree's dims; other trees as they are."""
    if is_scalar(e) and not is_scalar(like):
        return m.mul(e, m.Ones(*dims(like)))
    return e
