"""Functions that students write: read as text here, run only in a sandbox, and compared.

Nothing of a student's is executed in this process. `reading` parses it (ast, symtable),
`sandbox` runs it in a child that bubblewrap confines, `wire` reads what that child
replies, `judging` compares it with the backend and with the mistaken versions of it.
"""
