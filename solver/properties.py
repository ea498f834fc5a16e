"""Values of which there are many: an answer is right if it meets what is asked of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Property:
    """A value of which there are many: whatever meets its conditions is right.

    `read(text)` reads a student's, `met(given)` says whether it meets them and, if not,
    why; `shown(form)` prints one that does. Two are equal if their conditions are.
    """

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def met(self, given: Any) -> tuple[bool | None, str]:
        raise NotImplementedError
