"""From a spec to a built model, what it costs, its weights, and its picture."""
