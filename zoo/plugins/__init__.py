"""Plugins: which are installed, what they declare, and what is wrong with some of them.

The process that you start never imports a plugin. A reader (`zoo.plugins.reader.read`) does, one process for each, and
what they declare is kept (`zoo.plugins.cache`).
"""

from zoo.plugins.discover import Plugins, Problem, discover
from zoo.plugins.plugin import CORE, Plugin

__all__ = ["CORE", "Plugin", "Plugins", "Problem", "discover"]
