"""Inverse questions: which hyper-parameters, or which stack of layers, give a wanted size.

Answers are found by the size formula and proved by counting windows over the whole range
that was searched, so that none is missing and none too many.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from solver.core import Answer, BadInput, Check, Problem, Step
from solver.expressions.formula import settle
from solver.expressions.nodes import Num, Pow, Sym, plus, times, tree
from solver.kinds import find, kind
from solver.networks.conv import SIZE
from solver.networks.layers import Shape, positive, show_shape, starts
from solver.values import Listing, Options, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Names = tuple[str, ...]

LETTERS = {"kernel": "k", "padding": "p", "stride": "s", "dilation": "d"}
KERNELS, FURTHEST, TRIED = 11, 5, 200_000


@kind("fit conv", "--in 64 --out 32 --k 3")
def conv(
    *,
    input: Shape,
    output: Shape,
    kernel: int | None = None,
    padding: int | None = None,
    stride: int | None = None,
    dilation: int | None = None,
    find: Names = (),
    max: int | None = None,
) -> Answer:
    """Every padding, stride, kernel or dilation that turns one size into another."""
    sides = pairs(input, output)
    given = {"kernel": kernel, "padding": padding, "stride": stride, "dilation": dilation}
    for name, known in given.items():
        if known is not None:
            positive(name, known, least=0 if name == "padding" else 1)
    for name in find:
        if name not in LETTERS:
            raise BadInput(f"find takes {', '.join(LETTERS)}, not {name!r}")
        given[name] = None
    if dilation is None and "dilation" not in find:
        given["dilation"] = 1
    unknown = [n for n in LETTERS if given[n] is None]
    if not unknown:
        raise BadInput("everything is given: leave out the one to find, or use shape conv")
    if max is not None:
        positive("max", max)
    good: list[dict[str, int]] = []
    wide = 0 if kernel is None or max else kernel + FURTHEST
    for furthest in (0, wide):  # strides beyond the kernel only if nothing else fits
        if not good:
            box = list(combinations(given, max, furthest))
            good = [c for c in box if all(size(n, c) == m for n, m in sides)]
            searched = search_text(given, max, furthest)
    again = [c for c in box if all(windows(n, c) == m for n, m in sides)]
    shown = ("padding", "stride", "kernel", "dilation")
    records = [Record({LETTERS[n]: c[n] for n in shown if n in unknown}) for c in good]
    usual = next((i for i, c in enumerate(good) if looks_usual(c)), 0 if good else None)
    value = Options(records, usual)
    steps = [Step("searched", None, Listing((searched,)))]
    for record, c in list(zip(records, good))[:12]:
        for n, m in dict.fromkeys(sides):
            work = SIZE.at(n=n, p=c["padding"], k=c["kernel"], s=c["stride"], d=c["dilation"])
            label = ", ".join(f"{k} = {v}" for k, v in record.items())
            steps.append(Step(label, work.tree, m, None, work.formula))
    if len(good) > 12:
        steps.append(Step(f"and {len(good) - 12} more, which fit in the same way"))
    check = Check("counting the windows for every combination searched", good == again)
    return Answer(value, tuple(steps), (check,), "fits",
                  conventions=("sizes are rounded down; the same on both axes",))


def fits(problem: Problem, found: Any) -> bool:
    """Whether a combination gives the wanted size, in the range searched or not."""
    if problem.kind != "fit conv" or not isinstance(found, Mapping):
        return False
    given = find(problem.kind).read(problem.given)
    asked = {n: given.get(n) for n in LETTERS}
    c = {n: found.get(letter, asked[n]) for n, letter in LETTERS.items()}
    c["dilation"] = c["dilation"] or 1
    if any(c[n] is None or c[n] < (n != "padding") for n in LETTERS):
        return False
    return all(size(n, c) == m for n, m in pairs(given["input"], given["output"]))


def pairs(input: Shape, output: Shape) -> list[tuple[int, int]]:
    """(input side, output side) an axis, from sides or from C×H×W shapes."""
    if len(input) != len(output):
        raise BadInput(f"{show_shape(input)} and {show_shape(output)} differ in their axes")
    if not 1 <= len(input) <= 3:
        raise BadInput(f"give a side, two sides or C×H×W, not {show_shape(input)}")
    cut = 1 if len(input) == 3 else 0  # C×H×W: channels do not matter here
    found = list(zip(input[cut:], output[cut:]))
    for n, m in found:
        if not isinstance(n, int) or not isinstance(m, int):
            raise BadInput("fit conv needs numbers; letters are solved by shape conv")
        positive("sizes", n, m)
    return found


def combinations(
    given: dict[str, int | None], most: int | None, furthest: int = 0
) -> list[dict[str, int]]:
    """All that is searched, small kernels first, then small strides and paddings."""
    found: list[Any] = []
    kernels = [given["kernel"]] if given["kernel"] else range(1, (most or KERNELS) + 1)
    for k in kernels:
        strides = [given["stride"]] if given["stride"] else range(1, (most or furthest or k) + 1)
        dilations = [given["dilation"]] if given["dilation"] else range(1, (most or k) + 1)
        paddings = (
            range(most + 1 if most else k) if given["padding"] is None else [given["padding"]]
        )
        if len(strides) * len(dilations) * len(paddings) + len(found) > TRIED:
            raise BadInput(f"more than {TRIED:,} combinations: give one more of "
                           "kernel, padding and stride, or a smaller max")
        for s, p, d in product(strides, paddings, dilations):
            found.append({"kernel": k, "stride": s, "padding": p, "dilation": d})
    return found


def size(n: int, c: dict[str, int]) -> int:
    """The output size by the formula; 0 where the kernel does not fit."""
    reach = n + 2 * c["padding"] - c["dilation"] * (c["kernel"] - 1) - 1
    return reach // c["stride"] + 1 if reach >= 0 else 0


def windows(n: int, c: dict[str, int]) -> int:
    """The output size by counting where a window may start."""
    return len(starts(n, c["kernel"], c["padding"], c["stride"], c["dilation"]))


def looks_usual(c: dict[str, int]) -> bool:
    """The padding that keeps the size at stride 1, with an odd kernel: what people take."""
    return c["kernel"] % 2 == 1 and c["kernel"] > 1 and (
        c["padding"] == c["dilation"] * (c["kernel"] - 1) // 2
    )


def search_text(given: dict[str, int | None], most: int | None, furthest: int = 0) -> str:
    """The range searched, in words."""
    limits = {
        "kernel": f"kernels up to {most or KERNELS}",
        "padding": f"paddings from 0 to {most}" if most else "paddings below the kernel",
        "stride": f"strides up to {most or furthest or 'the kernel'}",
        "dilation": f"dilations up to {most}" if most else "dilations up to the kernel",
    }
    return ", ".join(limits[n] for n in limits if given[n] is None)


@kind("fit same", "--k 3")
def same(*, kernel: int, dilation: int = 1) -> Answer:
    """The padding that keeps the size at stride 1: in total, and on each side."""
    positive("kernel", kernel)
    positive("dilation", dilation)
    grown = times(dilation, plus(kernel, -1)) if dilation > 1 else plus(kernel, -1)
    total = dilation * (kernel - 1)
    found = Record(total=total, before=total // 2, after=total - total // 2)
    steps = (
        Step("zeros in total, both sides together", grown, total),
        Step("one side", tree(total // 2), found["before"]),
        Step("the other side", tree(total) - total // 2, found["after"]),
    )
    n = total + 10
    kept = len(starts(n, kernel, found["before"], 1, dilation, after=found["after"])) == n
    return Answer(found, steps, (Check(f"counting the windows on {n} positions", kept),), "padding")


@kind("fit stack", "--field 7")
def stack(*, field: int, odd: bool = False, depth: int | None = None) -> Answer:
    """Every stack of stride-1 convolutions (kernels from 2) with a given receptive field."""
    positive("field", field, least=2)
    if field > 16:
        raise BadInput(f"a field of {field} has 2^{field - 2} stacks; ask for at most 16")
    stacks = [s for s in compositions(field - 1) if not odd or all(k % 2 for k in s)]
    if depth is not None:
        stacks = [s for s in stacks if len(s) == depth]
    value = Record(count=len(stacks), stacks=Options(Listing(s) for s in stacks))
    steps = [Step("a stack's field is 1 + Σ(k − 1), so the k − 1 ≥ 1 must add up to",
                  tree(field) - 1, field - 1)]
    if not odd and depth is None:
        steps.append(Step("ordered sums of a number m: 2 to the m − 1",
                          Pow(Num(2), plus(field - 1, -1)) if field > 2 else Num(1), len(stacks)))
    else:
        steps.append(Step("of all these stacks, as many are as asked", None, len(stacks)))
    for s in stacks[:40]:
        c = Sym("C")
        cost = settle(plus(*(times(k, k, c, c) for k in s), times(len(s), c)))
        reach, kernels = plus(1, *(k - 1 for k in s)), ", ".join(map(str, s))
        steps.append(Step(kernels, reach, field, column="field"))
        steps.append(Step(kernels, None, cost, column="parameters, C channels throughout"))
    if len(stacks) > 40:
        steps.append(Step(f"and {len(stacks) - 40} more"))
    found = brute(field, odd, depth)
    return Answer(value, tuple(steps),
                  (Check("growing every stack kernel by kernel", found == len(stacks)),),
                  "stacks", conventions=("stride 1, kernels of at least 2, the order matters",))


def compositions(m: int) -> list[tuple[int, ...]]:
    """Kernels of every stack: the ordered sums of m, each part one more; deepest last."""
    found = []
    for cuts in range(2 ** (m - 1)):
        parts, run = [], 1
        for bit in range(m - 1):
            if cuts >> bit & 1:
                parts.append(run + 1)
                run = 1
            else:
                run += 1
        found.append((*parts, run + 1))
    return sorted(found, key=lambda s: (len(s), s))


def brute(field: int, odd: bool, depth: int | None) -> int:
    """How many stacks there are, grown layer by layer until the field is reached."""
    count, grown = 0, [(1, 0)]
    while grown:
        r, layers = grown.pop()
        if r == field:
            count += depth is None or layers == depth
            continue
        step = 2 if odd else 1
        grown += [(r + k - 1, layers + 1) for k in range(1 + step, field - r + 2, step)]
    return count
