"""Our derivatives against differences: networks, functions, and answers."""
