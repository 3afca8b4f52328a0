"""ledger 账本: the household's account book in light double entry, append-only, to the fen.

Takes households from people and visits from visits. family and today ask it.
"""
