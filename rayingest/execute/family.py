"""Who waits for whom: nothing is asked for, or written, before what it lies in is there."""

from collections.abc import Iterable, Mapping

from rayingest.core.source import Described, EntityDescriptor
from rayingest.model import EntityType

Parent = tuple[EntityType, str]
Item = EntityDescriptor | Described


class Family:
    """Parents, whether they ended well, and the children that wait for them.

    `dependencies` says which type lies in which; `root`, if there is one, is the parent of all that
    lies in no other.
    """

    def __init__(
        self, dependencies: Mapping[EntityType, EntityType], root: EntityDescriptor | None
    ) -> None:
        self._dependencies = dependencies
        self._root = (root.type, root.id) if root is not None else None
        self._types = {*dependencies.values(), *((root.type,) if root is not None else ())}
        self._settled: dict[Parent, bool] = {}
        self._waiting: dict[Parent, list[Item]] = {}

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def go_on(self, settled: Mapping[Parent, bool]) -> None:
        """Take over what earlier attempts recorded."""
        self._settled.update(settled)

    def has(self, parent: Parent) -> bool:
        """Whether that one has settled."""
        return parent in self._settled

    def of_parents(self, entity_type: EntityType) -> bool:
        """Whether entities of this type have children."""
        return entity_type in self._types

    def admit(self, items: Iterable[Item]) -> tuple[list[Item], list[EntityDescriptor]]:
        """Those whose parent is there, and those whose parent failed; the others wait."""
        free: list[Item] = []
        orphans: list[EntityDescriptor] = []
        key: Parent | None = None
        parent: Parent | None = None
        settled: bool | None = None
        for each in items:
            descriptor = each if isinstance(each, EntityDescriptor) else each.descriptor
            # Neighbours have one parent; only the root has a parent of its own: none.
            if key is None or key[1] != descriptor.scope or key[0] is not descriptor.type:
                parent = self._parent(descriptor)
                settled = True if parent is None else self._settled.get(parent)
                alone = self._root is not None and descriptor.type is self._root[0]
                key = None if alone else (descriptor.type, descriptor.scope)
            if settled:
                free.append(each)
            elif settled is None and parent is not None:
                self._waiting.setdefault(parent, []).append(each)
            else:
                orphans.append(descriptor)
        return free, orphans

    def settle(self, parent: Parent, *, ok: bool) -> list[Item]:
        """A parent came to its end; answers who waited for it, to be admitted."""
        if parent in self._settled:
            return []
        self._settled[parent] = ok
        return self._waiting.pop(parent, [])

    def orphans(self) -> Iterable[tuple[Parent, list[Item]]]:
        """Everybody who still waits, parent by parent; what waited is let go.

        An orphan may be a parent itself: whoever settles it meanwhile has taken its children.
        """
        for parent in list(self._waiting):
            yield parent, self._waiting.pop(parent, [])

    def _parent(self, descriptor: EntityDescriptor) -> Parent | None:
        kind = self._dependencies.get(descriptor.type)
        if kind is not None and (self._root is None or descriptor.scope != self._root[1]):
            return kind, descriptor.scope
        return None if self._root == (descriptor.type, descriptor.id) else self._root
