"""Files that people write: read strictly, and every problem told at its line and column."""
