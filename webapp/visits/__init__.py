"""visits 上门: calls (arrive, leave) frozen at capture, visits derived from them, services done or refused.

Takes households from people, cards from cards, shifts from roster. logs, ledger, family and today ask it.
live.py is the live roster: plan against fact.
"""
