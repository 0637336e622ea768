"""Plugins: what they declare, and what is wrong with some of them.

The process that you start never imports a plugin. `reader.read` has each imported in a process of its own; what it
declares is kept by `cache`, and so is what `zoo list` prints of it.
"""
