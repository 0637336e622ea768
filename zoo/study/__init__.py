"""Experiments on the zoo's own models, for people who learn from them."""
