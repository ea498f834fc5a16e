"""The program inside the sandbox: calls the function of /answer.py and writes what it returns.

It knows nothing of this package, for none of it is there. A request comes as JSON on
standard input, one line of JSON for each call leaves on what was standard output; whoever
reads those lines believes nothing of them (see wire.py), for the code may write there too.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 50_000  # values of an array
DEEP = 3
MESSAGE = 400


def limited(limits: dict[str, int]) -> None:
    """Put hard limits on this process; it cannot raise them again."""
    import resource

    for name, amount in limits.items():
        which = getattr(resource, name, None)
        if which is not None:
            resource.setrlimit(which, (amount, amount))


def encoded(value: Any, depth: int = 0) -> Any:
    """A value as plain data; of what is neither number, text, array nor a few of them its
    type alone."""
    import numpy as np

    if value is None or isinstance(value, (bool, str)):
        return {"plain": value if not isinstance(value, str) else value[:80]}
    if type(value) in (int, float) and abs(value) < 1e300:
        return {"plain": value}
    if depth < DEEP and isinstance(value, dict):
        pairs = [
            [str(k)[:80], encoded(v, depth + 1)] for k, v in list(value.items())[:64]
        ]
        return {"table": pairs}
    if depth < DEEP and isinstance(value, (tuple, list)) and mixed(value):
        return {"several": [encoded(v, depth + 1) for v in list(value)[:64]]}
    try:
        array = np.asarray(value)
    except Exception:
        return {"other": type(value).__name__[:80]}
    if array.dtype.kind not in "biuf":
        return {"other": f"{type(value).__name__[:60]} of {array.dtype.name[:20]}"}
    if array.size > MOST:
        return {"other": f"array of {array.size} values"}
    data = np.ascontiguousarray(array, dtype="<f8").tobytes()
    return {
        "shape": list(array.shape),
        "single": array.dtype.name in ("float32", "float16"),
        "data": base64.b64encode(data).decode("ascii"),
    }


def mixed(value: Any) -> bool:
    """Whether a sequence is several results rather than the rows of one array."""
    import numpy as np

    return isinstance(value, tuple) or any(
        v is None or isinstance(v, (np.ndarray, dict, str, tuple)) for v in value
    )


def restored(data: Any) -> Any:
    """What `encoded` was given, from our own request."""
    import numpy as np

    if "plain" in data:
        return data["plain"]
    if "table" in data:
        return {k: restored(v) for k, v in data["table"]}
    values = np.frombuffer(base64.b64decode(data["data"]), dtype="<f8")
    return values.reshape(data["shape"]).astype(float)


def failure(e: BaseException, path: str) -> dict[str, Any]:
    """An exception of the student's code: its type, its words and the line in the answer."""
    line = 0
    trace = e.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        said = str(e)[:MESSAGE]
    except BaseException:
        said = ""
    return {"error": type(e).__name__[:80], "line": line, "says": said}


def loaded(path: str, names: dict[str, str]) -> Any:
    """The student's module, NumPy under its names there already."""
    import numpy

    spec = importlib.util.spec_from_file_location("answer", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    module.__dict__.update(np=numpy, numpy=numpy)
    spec.loader.exec_module(module)
    return module


def called(
    module: Any, request: dict[str, Any], call: dict[str, Any], path: str
) -> Any:
    """The reply to one call: what is returned, and the tables among the arguments after it."""
    arguments = {k: restored(v) for k, v in call.items()}
    try:
        for undefined, stands_for in request["names"].items():
            setattr(module, undefined, arguments[stands_for])
        function = getattr(module, request["function"])
        if request["by_name"]:
            value = function(**arguments)
        else:
            value = function(*arguments.values())
        tables = {k: encoded(v) for k, v in arguments.items() if isinstance(v, dict)}
        return {"value": encoded(value), "tables": tables}
    except BaseException as e:
        return failure(e, path)


def main(path: str, packages: str) -> None:
    """Serve the request on standard input with the answer in this file."""
    request = json.loads(sys.stdin.buffer.read())
    limited(request["limits"])
    sys.path.append(packages)
    sys.dont_write_bytecode = True
    import numpy  # noqa: F401, before the code can be in its place

    limited(request["last_limits"])
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what the code prints goes where errors go: nowhere
    try:
        module = loaded(path, request["names"])
    except BaseException as e:
        out.write(json.dumps(failure(e, path)) + "\n")
        out.flush()
        os._exit(0)
    for call in request["calls"]:
        out.write(json.dumps(called(module, request, call, path)) + "\n")
        out.flush()
    os._exit(0)  # no destructor and no atexit of theirs


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
