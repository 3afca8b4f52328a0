"""cards 卡: one code, five faces. Identity cards, house plates, caregivers' badges and small labels.

Keeps issue and revocation, the look-up of a token or of a typed number, the scan log, and the printing.
Takes from people who lives where and who answers the duty telephone. Visits, outings, health and today ask it
what a scanned card stands for.
"""
