"""What is said of a general mistake: what the answer suggests, and the fact that helps."""

from __future__ import annotations

SAID: dict[str, str] = {
    "sign_flipped": "The sign is turned: this is minus the right answer.",
    "one_sign_flipped": "One sign is turned: go through the signs line by line.",
    "factor_two_dropped": "A factor 2 is missing.",
    "one_half_dropped": "A factor 1/2 is missing.",
    "one_over_n_dropped": "The factor 1/n is missing: a mean divides by how many there are.",
    "factor_dropped": "A factor, or a denominator, is missing.",
    "factor_added": "There is a constant factor too many.",
    "term_dropped": "A term is missing.",
    "bias_omitted": "The biases are missing.",
    "operation_dropped": "A square, root, power, inverse, logarithm or exponential is missing.",
    "derivative_not_taken": "This is the function itself (or one term of it): its derivative is "
    "asked for.",
    "sigmoid_tanh_derivative_swapped": "σ′ = σ(1 − σ) and tanh′ = 1 − tanh²: the other one is "
    "used here.",
    "bracket_misplaced": "A bracket, power or fraction reaches over too much or too little.",
    "function_split": "A function of a sum or product is not the sum or product of its values.",
    "wrong_index": "The letters are right, an index is not.",
    "transpose_dropped": "A transpose is missing.",
    "wrong_product": "The factors of this matrix product are in another order, or another one is "
    "transposed: write down the sizes.",
    "jacobian_layout_transposed": "This is the transpose of the right answer: compare with the "
    "layout that the sheet states.",
    "log_base_ten": "This takes logarithms to base 10: log is the natural one here.",
    "log_base_two": "This takes logarithms to base 2: log is the natural one here.",
    "l1_for_l2": "Absolute values stand where squares are asked for.",
    "complement_reported": "This is 1 − p where p is asked for.",
    "chain_factor_missing": "A factor of the chain rule is missing: a local derivative.",
    "parts_swapped": "The parts are right, but in another order.",
    "item_missing": "Something is missing: one item fewer than asked for.",
    "item_extra": "There is an item too many.",
    "entries_wrong": "The size is right, some of the entries are not.",
    "inverted": "This is upside down: a division for a multiplication, or the reciprocal.",
    "inequality_reversed": "The inequality points the other way.",
    "endpoint_open_closed": "The bounds are right, but not which of them belong to it.",
    "power_of_ten_slip": "The digits are right, the power of ten is not: check suffix, percent "
    "sign and decimal point.",
    "digit_slip": "Nearly: two digits are exchanged, or the last one is off by one.",
    "too_few_digits": "Right as far as it goes, but more digits are asked for.",
    "off_by_one": "Off by one.",
    "truncated": "Cut off where it is to be rounded.",
    "total_wrong": "The rows are right, their total is not: add them up again.",
    "flops_macs_factor_two": "Off by a factor 2: a multiply-add (MAC) is two FLOPs.",
    "unit_confused": "The unit is another one: bytes and bits, MB = 10⁶ and MiB = 2²⁰ bytes, or "
    "how many bytes a value takes.",
    "reduced_to_scalar": "One number stands for a whole shape or matrix.",
    "true_convolution_flip": "The kernel was turned by 180°: layers do not flip it.",
    "floor_forgotten": "A size is a whole number: round down.",
    "ceil_instead_of_floor": "Sizes are rounded down: a window must fit whole.",
    "padding_counted_once": "Padding is added on both sides: 2p.",
    "conv_size_without_plus_one": "The first position counts too: + 1.",
    "stride_ignored": "The stride is left out.",
    "shared_weight_one_path": "Only one of the paths through a shared letter is there.",
}


def said(names: list[str]) -> str:
    """The feedback for mistakes that give this value."""
    lines = list(dict.fromkeys(SAID.get(n, "") for n in names))
    lines = [line for line in lines if line]
    return " Or: ".join(lines)
