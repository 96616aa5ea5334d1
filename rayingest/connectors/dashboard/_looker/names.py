"""What Looker's things are called in the catalogue: no two of them share a name.

A LookML dashboard is `<model>_<dashboard>` there, an explore `<model>_<explore>`, a LookML view
`<project>_<view>_view`. Names of LookML have underscores of their own, so that the explore `c` of the
model `a_b` would be called as `b_c` of the model `a` is. Then the first of them keeps the name, and any
other is spelled with dots.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count

from rayingest.kit import dashboards
from rayingest.kit.dashboards import plain

Parts = tuple[str, ...]  # what a thing is called in Looker, from the outside in


def claim(thing: Parts, taken: dict[str, Parts]) -> str:
    """What a thing is called: as usual, unless another thing is. Nobody else is called so from then on."""
    dotted = plain(".".join(thing))
    wishes = chain((_usual(thing), dotted), (f"{dotted}.{at}" for at in count(2)))
    return next(each for each in wishes if taken.setdefault(each, thing) == thing)


def parts(identity: str) -> Parts:
    """A LookML dashboard's `<model>::<dashboard>`, apart; the number of any other is one part."""
    return tuple(identity.split("::"))


def unusual(
    explores: Iterable[tuple[str, str]], project: str, views: Iterable[str]
) -> dict[Parts, str]:
    """Those data models that are not called as usual, for another one is.

    Who comes first does not depend on the order of a listing: explores by their names, then views.
    """
    taken: dict[str, Parts] = {}
    things = [*sorted(explores), *sorted(_view(project, each) for each in views)]
    called = {each: claim(each, taken) for each in things}
    return {each: known for each, known in called.items() if known != _usual(each)}


def _usual(thing: Parts) -> str:
    return plain("_".join(thing))


def _view(project: str, view: str) -> Parts:
    return project, view, "view"


@dataclass(frozen=True)
class Place(dashboards.Place):
    """Where things are, and what they are called there."""

    include_tags: bool = True
    unusual: Mapping[Parts, str] = field(default_factory=dict)

    def explore_name(self, model: str, explore: str) -> str:
        """What an explore is called."""
        return self._called((model, explore))

    def view_name(self, project: str, view: str) -> str:
        """What a LookML view is called: an explore of the same name is another data model."""
        return self._called(_view(project, view))

    def model(self, model: str, explore: str) -> str:
        """The FQN of an explore."""
        return self.data_model(self.explore_name(model, explore))

    def view(self, project: str, view: str) -> str:
        """The FQN of a LookML view."""
        return self.data_model(self.view_name(project, view))

    def _called(self, thing: Parts) -> str:
        return self.unusual.get(thing) or _usual(thing)
