"""deliveries 交来的记录: what phones delivered and a person must see to: records put aside, two contents side by side,
judging again, receipts by number, rescue files, stopped phones that still hold something.

Takes people from upstream and the inbox below; what a record means it reads from the kept form of its kind. today asks it.
"""
