"""visits 上门: calls (arrive, leave) frozen at capture, visits derived from them, services done or refused.

Takes households from people, cards from cards, shifts, pauses, leave from roster. logs, ledger, family and today ask it.
live.py is the live roster (plan against fact), board.py its page; ringing.py what is rung in and who was rung;
standins.py who could stand in; straying.py arrivals behind unknown cards; record.py her own record and review.py the
station's review, over findings.py (what pages ask), settling.py, correcting.py with deriving.py, confirming.py,
calling_back.py, placing.py; watching.py looks over the day with signals.py; exporting.py and commands.py write sheets;
desk.py the station's pages of one shift and of a leave to decide.
"""
