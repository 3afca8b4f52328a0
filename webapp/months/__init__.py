"""months 月: which household's month is shut, so that no room writes into it any more.

Takes households from people. ledger shuts; whoever records for a household may ask.
"""
