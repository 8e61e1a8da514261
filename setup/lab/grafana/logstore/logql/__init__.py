"""LogQL, as far as the suite's files use it: text to syntax tree, and its evaluation on the store."""
