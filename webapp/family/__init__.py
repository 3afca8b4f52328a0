"""family 家属: what kin may see, by consent; each look is written down.

Keeps thanks. Takes visits, logs, ledger, requests and rescue windows from upstream. The faces of a card ask it.
"""
