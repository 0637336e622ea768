"""From a recipe to trained weights."""

from zoo._callable import make_callable

make_callable(__name__, "zoo.train.api")
