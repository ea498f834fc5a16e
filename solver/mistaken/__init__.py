"""General mistakes on any key: the wrong values that students reach, as edits of the right one."""
