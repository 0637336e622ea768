"""What can be wrong where a plugin is read: `zoo list` mentions the errors, `zoo plugins --why NAME` explains all."""

from __future__ import annotations

from zoo.findings.code import Code

DISCOVERY: dict[str, Code] = {
    "import-error": Code(
        "error",
        "Its module could not be imported: something that it needs is missing, or its code raised an error.",
        "Install what is missing and declare it in `dependencies`; `python -c 'import MODULE'` shows the same error.",
    ),
    "syntax-error": Code(
        "error",
        "Its module is not Python, or not of this Python version.",
        "Mend the line that is named, or raise `requires-python`.",
    ),
    "bad-entry-point": Code(
        "error",
        'Its entry point is not `name = "package.module"` or `"package.module:attribute"`, or leads nowhere.',
        "Correct `[project.entry-points.zoo]` in its pyproject.toml and install it again.",
    ),
    "exits": Code(
        "error",
        "Importing it or calling its hook ended in `sys.exit()`.",
        'Guard what belongs to a script by `if __name__ == "__main__":`; raise an error where something is missing.',
    ),
    "dies": Code(
        "error",
        "Importing it or calling its hook ended the process: a crash of native code, `os._exit`, a signal.",
        "Import native libraries where the model is built, not at the top. `zoo plugins --refresh` reads it again.",
    ),
    "too-slow": Code(
        "error",
        "Importing it and calling its hooks was not done within the time limit; it may hang.",
        "Only declare at import. ZOO_PLUGIN_TIMEOUT=SECONDS gives it longer, `zoo plugins --refresh` another try.",
    ),
    "heavy-import": Code(
        "warning",
        "It imports TensorFlow, Keras, JAX or PyTorch at the top: reading it takes seconds instead of milliseconds.",
        "Import the framework in the module that `build` names, which is imported only where the model is built.",
    ),
    "no-hook": Code(
        "error",
        "It implements no hook, so it brings nothing.",
        "Mark a function such as `zoo_models` with `@zoo.hookimpl`; `docs/hooks.md` lists the hooks.",
    ),
    "unknown-hook": Code(
        "error",
        "It implements a hook that there isn't, probably misspelt.",
        "Give it the name of a hook; `docs/hooks.md` lists them.",
    ),
    "hook-arguments": Code(
        "error",
        "Its hook takes an argument that the zoo doesn't give.",
        "Take only arguments that the hook reference names; those may be left out.",
    ),
    "hook-wrapper": Code(
        "error",
        "Its hook is marked as a wrapper of other implementations. Each plugin is read alone, so there are none.",
        "Leave `wrapper=True` or `hookwrapper=True` out, and return the specs.",
    ),
    "hook-raises": Code(
        "error",
        "Its hook raised an error.",
        "Mend the line that is named. A hook only returns specs: what can fail belongs where the model is built.",
    ),
    "wrong-type": Code(
        "error",
        "Its hook returned something else than a list of the specs it is for.",
        "Return a list of the specs that the hook is for, such as `zoo.ModelSpec`; an empty list for none.",
    ),
    "invalid-spec": Code(
        "error",
        "A spec has a field of a wrong type or form.",
        "Correct the field that is named; `python -c 'import zoo; help(zoo.ModelSpec)'` says what it takes.",
    ),
    "invalid-name": Code(
        "error",
        "The name of a model, dataset, runtime or recipe is too long, or not made of a-z, 0-9, `_`, `.` and `-`.",
        "Choose a name that matches `^[a-z0-9][a-z0-9_.-]{0,63}$`: it becomes part of file names and command lines.",
    ),
    "unprintable-text": Code(
        "error",
        "A text in a spec holds line breaks, terminal escape codes or other characters that don't print.",
        "Write one line of plain text.",
    ),
    "too-large": Code(
        "error",
        "It declares more than a list can hold: a text of over 300 characters, or over 10 MB in all.",
        "Keep summaries to a line; put what is long into the package's documentation.",
    ),
    "duplicate-name": Code(
        "error",
        "Two plugins, or one twice, declare the same name, or weights or a recipe for the same place. None is used.",
        "Rename one. A user can decide between two plugins by switching one off: `--no-plugin NAME`.",
    ),
    "reserved-name": Code(
        "error",
        "It declares something under a name of the zoo's own, such as `digits`, or weights or a recipe that the "
        "model's own plugin brings. The zoo's or the model's is used.",
        "Choose another name, or leave it out.",
    ),
    "unknown-model": Code(
        "warning",
        "It brings weights or a recipe for a model that no installed plugin brings.",
        "Correct the name, or install the plugin that brings the model and declare it in `dependencies`.",
    ),
    "duplicate-plugin": Code(
        "error",
        "A distribution has two entry points of one name, or two entry points name one module. The first is used.",
        "Keep one line of `[project.entry-points.zoo]` for each module.",
    ),
    "needs-another-zoo": Code(
        "error",
        "Something of it failed, and its distribution requires another version of `zoobench` than is installed.",
        "Upgrade whichever is older: `pip install --upgrade zoobench`, or the plugin.",
    ),
    "unread": Code(
        "error",
        "The zoo could not start the process that reads plugins.",
        "The message says what the system refused: memory, processes, or room for temporary files.",
    ),
}
