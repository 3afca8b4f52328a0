"""evaluations 考核: the month of every caregiver in points, from records and a little judgement, signed in one order.

Takes plans from roster, visits from visits, diaries from logs, slips from ledger; tells messages what waits for whom. today asks
it. gather.py counts a month for everybody at once; rules.py makes points of it.
"""
