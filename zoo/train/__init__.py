"""From a recipe to trained weights."""

from zoo._callable import make_callable

make_callable(__name__)
