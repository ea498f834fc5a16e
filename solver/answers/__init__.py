"""Answers as people write them: read by their declared form, compared with a stated key."""
