"""What fails one check of `zoo plugin check`, and only that one. The name of each begins with the code."""
