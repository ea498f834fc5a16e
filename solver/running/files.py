"""Arrays in files: .npy and .npz, numbers only; damage is one clear error."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, Any

import numpy as np

from solver.core import BadInput

DAMAGED = (
    ValueError, OSError, EOFError, KeyError, AttributeError, NotImplementedError,
    RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def stream(path: str) -> IO[bytes]:
    """The file, open; one clear error where there is none."""
    try:
        return open(path, "rb")  # noqa: SIM115 (the caller closes it)
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except OSError as e:
        raise BadInput(f"cannot read {path}: {e.strerror}") from None


def loaded(path: str, file: IO[bytes]) -> Any:
    """What NumPy reads: an array, or the archive of several."""
    return opened(path, lambda: np.load(file, allow_pickle=False))


def opened(path: str, read_: Any) -> Any:
    """What is read; damage and pickles are one clear error."""
    try:
        return read_()
    except DAMAGED as e:
        if "pickle" in str(e):
            raise BadInput(
                f"{path} is no array of numbers that NumPy wrote (pickled objects are "
                "never loaded)"
            ) from None
        raise BadInput(
            f"{path} is not a whole .npy or .npz file of numbers ({str(e).splitlines()[0]})"
        ) from None
    except MemoryError:
        raise BadInput(f"{path} says that it is larger than the memory") from None


class Lazy(dict[str, Any]):
    """The tensors of an .npz file, each read when it is asked for."""

    def __init__(self, path: str) -> None:
        self.path, self.stream = path, stream(path)
        try:
            self.file = loaded(path, self.stream)
            if isinstance(self.file, np.ndarray):
                raise BadInput(
                    f"{path} is one array: weights are an .npz file of named ones"
                )
        except BadInput:
            self.stream.close()
            raise
        super().__init__(dict.fromkeys(self.file.files))

    def get(self, name: str, default: Any = None) -> Any:
        """The tensor, or the default where there is none."""
        if name not in self:
            return default
        return opened(self.path, lambda: self.file[name])

    def __enter__(self) -> Lazy:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
        self.stream.close()


class Nothing:
    """No file: the weights are drawn."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def tensors_of(path: str | None) -> Any:
    """A `with` for the weights of a file, or for none."""
    return Nothing() if path is None else Lazy(path)
