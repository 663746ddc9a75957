"""What an annotator can undo and redo: nodes in memory over a log that is read only as far as someone looks.

The log keeps both stacks as linked lists, so that opening a project reads one line, and undo without limit costs one line a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from annotator.edits.changes import Edit


@dataclass(eq=False)
class Node:
    """An edit that lies on a stack; ``id`` is its line in the log, None until it is written."""

    edit: Edit
    id: int | None = None


Load = Callable[[int], tuple[Node, int | None]]
"""The node of a line of the log, and the id of the line below it."""


@dataclass
class Stack:
    """Nodes in memory above ``rest``, the first line that has not been read."""

    load: Load
    rest: int | None = None
    nodes: list[Node] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.nodes) or self.rest is not None

    def push(self, node: Node) -> None:
        self.nodes.append(node)

    def pop(self) -> Node | None:
        """Take the top off."""
        top = self.peek()
        if top is not None:
            self.nodes.pop()
        return top

    def peek(self) -> Node | None:
        """The top, read from the log when it is not in memory."""
        found = self.first(1)
        return found[0] if found else None

    def first(self, number: int) -> list[Node]:
        """The topmost nodes, top first."""
        while len(self.nodes) < number and self.rest is not None:
            node, self.rest = self.load(self.rest)
            self.nodes.insert(0, node)
        return self.nodes[: -number - 1 : -1]

    def clear(self) -> None:
        self.nodes.clear()
        self.rest = None
