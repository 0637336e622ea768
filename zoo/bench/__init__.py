"""From scenarios to Results: plan, measure in a fresh process each, derive, criticise."""

from zoo._callable import make_callable

make_callable(__name__)
