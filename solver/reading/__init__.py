"""The tolerant reader of what people write: LaTeX, Unicode, plain text, Python, to trees."""
