"""Where work that needs a framework runs: a fresh process each, on this machine.

`local` is the caller's side. It starts a `supervisor`, which starts the `child` that does the work, watches its
deadline and memory, and leaves no process behind, whatever happens to the child or to the caller.
"""
