"""visits 上门: calls (arrive, leave) frozen at capture, visits derived from them, services done or refused.

Takes households from people, cards from cards, shifts, pauses, leave from roster. logs, ledger, family and today ask it.
live.py is the live roster (plan against fact), board.py its page; ringing.py what is rung in and who was rung;
standins.py who could stand in; desk.py the station's pages of one shift and of a leave to decide.
"""
