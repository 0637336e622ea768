"""Plugins: what they declare, and what is wrong with some of them.

The process that you start never imports a plugin. `reader` has each read in a process of its own, which `forkserver`
forks and in which `examine` imports it. `discover` keeps what it declares, and what `zoo list` prints of it.
"""
