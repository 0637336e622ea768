"""A trained model as the file that a runtime runs."""
