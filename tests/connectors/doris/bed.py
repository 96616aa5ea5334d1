"""The story without Doris: no server of it can be had, so that all is compiled."""

from functools import partial

from ..mysqlfamily.telling import telling

bed = partial(telling, "doris")
