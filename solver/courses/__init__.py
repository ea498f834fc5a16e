"""Whole courses: piles of submissions read, marked durably, reported and exported."""
