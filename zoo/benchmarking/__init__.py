"""From scenarios to Results: plan, measure in a fresh process each, derive, criticise."""
