"""Checks of a plugin: `zoo plugin check`, and the tests of `zoo.testing`."""
