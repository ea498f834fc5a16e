"""Tables among the steps of an answer: `gathered` from steps that are cells, so that none
is written twice in a document, and `shown` as strings, cell by cell.
"""
