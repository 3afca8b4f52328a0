"""family 家属: what kin may see, by consent; each look is written down.

Takes visits, logs and ledger from upstream. The faces of a card ask it.
"""
