"""The sandbox: its command line, its child, and what hostile code gets of it.

What runs students' code needs bubblewrap, and is passed over where it is not there; the child
is run without it on code of our own.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from solver.code import child, filter, sandbox, wire
from solver.code.judging import judged
from solver.code.sandbox import (
    LIMITS,
    Places,
    Unfinished,
    argv,
    confined,
    places,
    unavailable,
)
from solver.code.wire import Failed, Other, Returned, replies
from solver.courses import command
from solver.sets import load_set, solve_part
from tests.test_code import BATCH_NORM

confining = pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "it works")


def test_the_child_serves_the_protocol(tmp_path: Any) -> None:
    ours = tmp_path / "answer.py"
    ours.write_text(
        "print('noise')\ndef f(x, t):\n    t['n'] = x + 1\n    print('more')\n    return x * [1, 2]\n"
    )
    calls = [{"x": np.array([1.0, 2.0]), "t": {"n": 0}}, {"x": "no", "t": {}}]
    asked = wire.request("f", calls, {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0}, {})
    command = [
        sys.executable,
        "-I",
        "-S",
        "-B",
        child.__file__,
        str(ours),
        places().packages,
    ]
    done = subprocess.run(
        command, input=asked, capture_output=True, timeout=60, check=True
    )
    first, second = replies(done.stdout, 2)
    assert isinstance(first, Returned) and np.array_equal(first.value, [1, 4])
    assert np.array_equal(first.tables["t"]["n"], [2, 3])
    assert (
        isinstance(second, Failed) and second.error == "TypeError" and second.line == 3
    )
    assert b"noise" not in done.stdout


def test_the_command_line_shows_little_and_nothing_to_write() -> None:
    where = Places("/py/bin/python3", ("/py/lib/python3",), ("/py/lib/python3/site-packages",), "/site",
                   ("/site/numpy",), "/pset/child.py")  # fmt: skip
    found = argv("/usr/bin/bwrap", where, 7, 8)
    assert (
        found[0] == "/usr/bin/bwrap"
        and "--seccomp" in found
        and "--seccomp" not in argv("b", where, 7, None)
    )
    for option in ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop"):
        assert option in found
    assert not {
        "--bind",
        "--dev-bind",
        "--share-net",
        "--dev",
        "--proc",
        "--bind-try",
    } & set(found)
    shown = {
        found[i + 1] for i, word in enumerate(found) if word.startswith("--ro-bind")
    }
    assert {"/site/numpy", "/pset/child.py", "/py/bin/python3"} <= shown
    assert not shown & {"/", "/home", "/root", "/etc", "/site", "/tmp"}
    root = [i for i, word in enumerate(found) if word == "--remount-ro"][-1]
    assert (
        found[root + 1] == "/"
        and found.index("--tmpfs") < found.index("/site/numpy") < root
    )
    assert LIMITS.keys() >= {"RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE"}


def test_the_filter_is_a_program_of_the_kernel() -> None:
    for machine in filter.MACHINES:
        rules = filter.program(machine)
        lines = list(struct.iter_unpack("=HBBI", rules))
        assert len(rules) % 8 == 0 and lines[0] == (filter.LOAD, 0, 0, 4)
        assert lines[-1] == (filter.RETURN, 0, 0, filter.ALLOW)
        for at, (code, yes, no, _) in enumerate(lines):
            assert code != filter.EQUAL or at + 1 + max(yes, no) < len(lines)
        refused = [n for code, _, _, n in lines if code == filter.EQUAL]
        assert set(filter.MACHINES[machine][1].values()) <= set(refused)
    assert filter.program("vax") == b""


def test_without_bubblewrap_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    monkeypatch.setattr(sandbox, "confined", None)
    unavailable.cache_clear()
    try:
        found = sandbox.run("def f(x):\n    return x\n", "f", [{"x": 1}])
        assert isinstance(found, Unfinished) and "not installed" in found.why
        whole = load_set("s4")
        verdict = judged(
            whole["11.2.code"],
            solve_part(whole, whole["11.2.code"]).value,
            BATCH_NORM,
            sandbox.run,
        )
        assert verdict.mark == "undecided" and "bwrap" in verdict.feedback
    finally:
        unavailable.cache_clear()


HARMLESS = "def f(x):\n    return 2.0 * x\n"
FAILS = [
    ("fork", "import os\ndef f(x):\n    return os.fork()", "PermissionError"),
    (
        "a process",
        "import subprocess\ndef f(x):\n    subprocess.run(['/bin/sh'])",
        "PermissionError",
    ),
    (
        "a thread",
        "import threading\ndef f(x):\n    threading.Thread(target=print).start()",
        "RuntimeError",
    ),
    ("a socket", "import socket\ndef f(x):\n    socket.socket()", "PermissionError"),
    (
        "a file to read",
        "def f(x):\n    return open('/etc/passwd').read()",
        "FileNotFoundError",
    ),
    (
        "a home",
        "import os\ndef f(x):\n    os.listdir(os.path.expanduser('~root/.ssh'))",
        "FileNotFoundError",
    ),
    (
        "memory that no limit counts",
        "import ctypes\ndef f(x):\n    c = ctypes.CDLL(None, use_errno=True)\n"
        "    if c.shmget(0, 1 << 20, 0o1600) < 0 > c.msgget(0, 0o1600):\n"
        "        raise PermissionError(ctypes.get_errno())",
        "PermissionError",
    ),
    ("a file to write", "def f(x):\n    open('/x', 'w')", "OSError"),
    (
        "a file in /tmp",  # not there, or read-only where Python itself lies in it
        "def f(x):\n    try:\n        open('/tmp/x', 'w')\n"
        "    except OSError:\n        raise PermissionError",
        "PermissionError",
    ),
    ("our package", "def f(x):\n    import solver", "ModuleNotFoundError"),
    ("much memory", "def f(x):\n    return np.ones((10**5, 10**5))", "MemoryError"),
    ("a recursion", "def f(x):\n    return f(x)", "RecursionError"),
    ("an exit", "import sys\ndef f(x):\n    sys.exit(0)", "SystemExit"),
    (
        "higher limits",
        "import resource as r\ndef f(x):\n    r.setrlimit(r.RLIMIT_AS, (-1, -1))",
        "ValueError",
    ),
    ("a failing module", "def f(x):\n    return x\n1/0", "ZeroDivisionError"),
    (
        "an error that fails",
        "class E(Exception):\n    def __str__(self): 1/0\ndef f(x):\n    raise E",
        "E",
    ),
]
ENDS = [
    ("a loop", "def f(x):\n    while True: pass", "longer"),
    ("sleep", "import time\ndef f(x):\n    time.sleep(60)", "longer"),
    ("os._exit", "import os\ndef f(x):\n    os._exit(0)", "by itself"),
    (
        "a flood of the pipe",
        "import os\ndef f(x):\n    while 1:\n        for i in range(3, 9):\n"
        "            try: os.write(i, b'x' * 65536)\n            except OSError: pass",
        "",
    ),
    (
        "a forged line",
        "import os\ndef f(x):\n    for i in range(3, 20):\n        try: os.write(i, b'{}\\n')\n"
        "        except OSError: pass",
        "no result",
    ),
    (
        "nothing, slowly",
        "import os, time\ndef f(x):\n    os.closerange(1, 20)\n    time.sleep(60)",
        "",
    ),
]
OTHERS = [
    ("an object", "def f(x):\n    return object()"),
    ("complex", "def f(x):\n    return np.array([1j])"),
    ("objects", "def f(x):\n    return np.array([{}, f])"),
    ("too many", "def f(x):\n    return np.zeros(10**6)"),
    (
        "__array__ that fails",
        "class A:\n    def __array__(self, *a, **k): 1/0\ndef f(x):\n    return A()",
    ),
]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "WALL", 2.0)
    monkeypatch.setitem(sandbox.LIMITS, "RLIMIT_CPU", 1)


@confining
@pytest.mark.parametrize(
    ("text", "error"), [t[1:] for t in FAILS], ids=[t[0] for t in FAILS]
)
def test_what_is_not_there_fails_in_the_code(text: str, error: str) -> None:
    found = confined(text + "\n", "f", [{"x": 1}])
    assert not isinstance(found, Unfinished), found
    assert isinstance(found[0], Failed) and found[0].error == error, found
    assert found[0].line or error in ("RecursionError", "SystemExit")


@confining
@pytest.mark.parametrize(
    ("text", "why"), [t[1:] for t in ENDS], ids=[t[0] for t in ENDS]
)
def test_what_does_not_return_is_ended(short: None, text: str, why: str) -> None:
    found = confined(text + "\n", "f", [{"x": 1}])
    assert isinstance(found, Unfinished) and why in found.why, found


@confining
@pytest.mark.parametrize(
    "line",
    [
        "__import__('threading').Thread(target=print).start()",
        "open('weights.npy')",
        "__import__('scipy')",
        "input()",
    ],
)
def test_what_the_sandbox_has_not_is_no_fault_of_the_function(line: str) -> None:
    whole = load_set("s4")
    part, head = whole["11.2.code"], "mode):\n"
    text = BATCH_NORM.replace(head, f"{head}    {line}\n", 1)
    verdict = judged(part, solve_part(whole, part).value, text, sandbox.run)
    assert verdict.mark == "undecided", verdict


@confining
@pytest.mark.parametrize("text", [t[1] for t in OTHERS], ids=[t[0] for t in OTHERS])
def test_what_is_no_array_has_only_a_name(text: str) -> None:
    found = confined(text + "\n", "f", [{"x": 1}])
    assert not isinstance(found, Unfinished) and isinstance(found[0], Returned)
    assert isinstance(found[0].value, Other)


@confining
def test_a_long_text_is_run() -> None:
    found = confined(f"# {'𝛼' * 18_000}\n{HARMLESS}", "f", [{"x": 1}])
    assert not isinstance(found, Unfinished) and isinstance(found[0], Returned)


@confining
def test_monkeypatches_printing_and_destructors_change_nothing_here() -> None:
    text = (
        "class A:\n    def __del__(self):\n        while True: pass\na = A()\nprint('x' * 10**6)\n"
        "np.mean = np.asarray = lambda *a, **k: 1 / 0\n" + HARMLESS
    )
    found = confined(text, "f", [{"x": np.arange(3.0)}, {"x": 2}])
    assert not isinstance(found, Unfinished)
    assert isinstance(np.mean([1, 3]), float) and len(found) == 2


@confining
def test_marking_runs_code_when_it_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "ada": BATCH_NORM,
        "ben": BATCH_NORM.replace("np.mean(Z", "np.mean(Y"),
    }.items():
        (tmp_path / f"{name}.toml").write_text(
            f"student = '{name}'\n[answers]\n\"11.2.code\" = '''{text}'''\n"
        )
    part = (
        '[[problem]]\nid = "11.2.code"\nprompt = "Write it."\nkind = "code function"\n'
    )
    part += 'given = { as = "batch norm", name = "forward_batchnorm" }\n'
    (tmp_path / "set.toml").write_text(f"title = 'One part'\n{part}")
    given = [str(tmp_path / "ada.toml"), str(tmp_path / "ben.toml")]
    out = str(tmp_path / "marks")
    for run, said in (
        (False, "2 undecided"),
        (True, "1 right, 1 partly"),
        (False, "1 right, 1 partly"),
    ):
        assert (
            command.grade(str(tmp_path / "set.toml"), given, out, jobs=1, run_code=run)
            == 0
        )
        assert said in capsys.readouterr().out
