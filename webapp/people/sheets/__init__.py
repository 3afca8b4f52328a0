"""sheets 表: reads the clerk's own spreadsheet and says what is in it; no database, no request.

opening (bytes → Sheet), layout (head, merged cells, totals), columns (which column is what), cells (one cell → one
fact), reading (rows → people, faults, questions), notes (the faults and questions, gathered), matching (people already
here), marking (her file with amber cells), facts (the shapes all of them pass on).
"""
