"""The command line: exit codes, errors, pipes, help, completion; both routes alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cli

ROOT = Path(__file__).parent.parent


def pset(*words: str, stdin: str | bytes = "", **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *words],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **env},
        check=False,
        timeout=60,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("shape conv --k 3", "C_out × (H − 2) × (W − 2)   for H, W ≥ 3"),
        ("shape conv --in 3x32x32 --kernel_size 5 --out_channels 6", "6 × 28 × 28"),
        ("shape conv --in=3x32x32 --k=5 --out-channels=6", "6 × 28 × 28"),
        ("shape max_pool2d --in 64x112x112 --k 3 --s 2 --p 1", "64 × 56 × 56"),
        ("shape concat --in 64x28x28;128x28x28", "192 × 28 × 28"),
        ("count params vgg16", "138,357,544 parameters"),
        ("count params vgg16 --no-bias", "138,344,128 parameters"),
        ("count params vgg16_bn", "138,365,992 parameters"),
        ("count params resnet50", "25,557,032 parameters"),
        ("count macs vgg16 --batch N", "15470264320N multiply-adds"),
        ("count flops lenet5-modern", "833,040 FLOPs"),
        ("count params lenet5", "60,000 parameters"),
        ("count connections lenet5", "340,908 connections"),
        ("field vgg16 --layer pool5", "receptive field  212"),
        ("fit conv --in 32x64x64 --out 64x32x32 --k 3", "p = 1, s = 2"),
    ],
)
def test_questions(words: str, first: str) -> None:
    done = pset(*words.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == first


@pytest.mark.parametrize(
    "words",
    [
        "shape conv --in 3x32x32 --k 5",
        "shape conv --k 3 --format json",
        "count params lenet5 --no-bias",
        "fit conv --in 64 --out 32 --k 3 --max 4",
        "count vgg16",
        "field vgg16",
    ],
)
def test_the_quick_route_and_click_s_give_the_same(words: str) -> None:
    from solver.question import expanded, plain_question

    quick = pset(*words.split())
    program = (
        "import sys, cli; sys.stdout.reconfigure(encoding='utf-8');"
        "sys.exit(cli.commands(sys.argv[1:]))"
    )
    slow = subprocess.run(
        [sys.executable, "-c", program, *words.split()],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert plain_question(expanded(words.split())) is not None
    assert slow.stdout.decode() == quick.stdout and slow.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("shape conv --in 3x5x5 --k 7", 2, "kernel 7 does not fit: the input is 5"),
        ("shape conv --in 3x5x5 --k 0", 2, "must be 1 or more, not 0"),
        ("shape conv --in 3x-5x5 --k 3", 2, "not negative"),
        ("shape conv --in 3x0x5 --k 1", 2, "must be 1 or more, not 0"),
        ("shape conv --in 3x1000000000000000000000000000000x5 --k 3", 2, "too large"),
        ("shape conv --in 3xthreex5 --k 3", 2, "is no letter"),
        ("shape cov --k 3", 2, "did you mean shape conv"),
        ("shape conv --kernal 3", 2, "--kernel"),
        ("shape conv --k", 2, "requires an argument"),
        ("shape conv --k 3 --k 5", 2, "kernel"),
        ("count params vgg61", 2, "vgg16"),
        ("count params 3x32x32:conv", 2, "conv needs its out_channels"),
        ("count params 3x8x8:[conv,4,k1|conv,5,k3]", 2, "needs its out_channels"),
        ("count params vgg16 --layer conv9_9", 2, "did you mean conv"),
        ("count params vgg16 --in 3x10x10", 2, "pool4"),
        ("count memory vgg16 --unit MIB", 2, "did you mean MiB"),
        ("key s9", 2, "did you mean s"),
        ("key nothing.toml", 2, "nothing.toml"),
        ("key s0 --format docx", 2, "no format is called 'docx'"),
        ("key s0 --format pdf", 2, "add --out"),
        ("check s0 9.9 42", 2, "no part of s0 is called '9.9'"),
        ("check s0 3.2i 64x62x62", 0, "✓ right"),
        ("check s0 3.2i 62x62x64", 0, "✓ right"),
        ("check s0 3.2i 64x61x61", 3, "✗ wrong"),
        ("check s0 3.2i __import__('os')", 3, "! invalid"),
        ("kinds shapes", 2, "did you mean shape"),
        ("nonsense", 2, "No such command"),
        ("shape", 2, "Usage"),
    ],
)
def test_errors_and_codes(words: str, code: int, said: str) -> None:
    done = pset(*words.split())
    assert done.returncode == code, done
    assert said in done.stdout + done.stderr


def test_the_error_is_one_line_with_a_caret() -> None:
    done = pset("count", "params", "3x32x32: conv 6 k5, rellu")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: net: no layer is called 'rellu'")
    assert lines[1][lines[2].index("^") :].startswith("rellu")


@pytest.mark.parametrize("words", [[], ["shape"], ["count"], ["fit"], ["run"], ["field"]])
def test_help(words: list[str]) -> None:
    done = pset(*words, "--help")
    assert done.returncode == 0
    assert "pset" in done.stdout and max(map(len, done.stdout.splitlines())) <= 80


def test_every_command_has_an_example() -> None:
    import click

    from cli import build

    app = build()
    for name, command in app.commands.items():
        assert "Example: " in (command.help or ""), name
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name)
            for kind in command.list_commands(context):
                assert command.get_command(context, kind).help


def test_completion() -> None:
    script = pset(_PSET_COMPLETE="bash_source")
    assert "complete" in script.stdout
    words = pset(_PSET_COMPLETE="bash_complete", COMP_WORDS="pset sha", COMP_CWORD="1")
    assert "shape" in words.stdout
    kinds = pset(_PSET_COMPLETE="bash_complete", COMP_WORDS="pset shape con", COMP_CWORD="2")
    assert "conv" in kinds.stdout and "concat" in kinds.stdout


def test_standard_input() -> None:
    net = "3x32x32: conv 6 k5, flatten, linear 10"
    assert pset("count", "params", "-", stdin=net).stdout == pset("count", "params", net).stdout


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} cli.py count resnet152 | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert done.stdout.startswith("layer")


def test_no_colour_in_pipes() -> None:
    assert "\033" not in pset("shape", "conv", "--k", "3").stdout


def test_batch_never_stops() -> None:
    lines = [
        {"id": "a", "kind": "shape conv", "given": {"kernel": 3, "input": [3, 8, 8]}},
        {"id": "b", "kind": "shape cov", "given": {}},
        {"id": "c", "kind": "count params", "given": {"net": "lenet5"}, "answer": "60,000"},
        {"id": "d", "kind": "count params", "given": {"net": "lenet5"}, "answer": "61706"},
        {"id": "e", "kind": "shape conv", "given": {"kernel": -1}},
        {"id": "f", "kind": "shape conv", "given": [1]},
        {"kind": 3},
    ]
    text = "\n".join(map(json.dumps, lines)) + '\nnot json\n\n{"id": "z", "kind": "fit same", "given": {"kernel": 8}}\n'
    done = pset("batch", stdin=text.encode() + b"\xff\xfe\n")
    assert done.returncode == 0
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [f["id"] for f in found] == ["a", "b", "c", "d", "e", "f", 7, None, "z", None]
    assert found[0]["value"] == ["C_out", 6, 6] and found[0]["checks"][0]["ok"] is True
    assert [f["verdict"]["mark"] for f in found[2:4]] == ["right", "wrong"]
    assert found[8]["value"] == {"total": 7, "before": 3, "after": 4}
    for i in (1, 4, 5, 6, 7, 9):
        assert found[i]["error"]["type"] == "BadInput" and found[i]["error"]["message"]


def test_formats_load() -> None:
    assert json.loads(pset("shape", "conv", "--k", "3", "--format", "json").stdout)["value"]
    page = pset("shape", "conv", "--k", "3", "--format", "html").stdout
    assert page.startswith("<!DOCTYPE html>") and "<math" in page
    assert "\\lfloor" in pset("shape", "conv", "--s", "2", "--format", "tex").stdout


@pytest.mark.parametrize(
    ("part", "answer", "code", "mark"),
    [
        ("s0 1.2iii", "-log(yhat)", 3, "✗ wrong"),
        ("s0 1.2iii", "-[y log yhat + (1-y) log(1-yhat)]", 0, "✓ right"),
        ("s0 1.2iii", "-h", 3, "✗ wrong"),
        ("s0 1.2iii", "--help", 3, "✗ wrong"),
        ("s0 1.1a", "--x", 3, "✗ wrong"),
        ("s0 1.1a", "--2x", 0, "✓ right"),
        ("s2 2.1.dyhat", "-y*sigmoid(-y*yhat)", 0, "✓ right"),
    ],
)
def test_an_answer_is_never_an_option(
    part: str, answer: str, code: int, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([answer], ["--", answer], [answer, "--format", "text"]):
        with pytest.raises(SystemExit) as left:
            cli.main(["check", *part.split(), *words])
        said = capsys.readouterr()
        assert (left.value.code, mark in said.out) == (code, True), said
