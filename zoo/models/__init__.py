"""From a spec to a built model, what it costs, its weights, and its picture."""

from zoo._callable import make_callable

make_callable(__name__)
