"""inspections 检查: what a supervisor finds in a home, station or street, and what is put right.

Takes people and places from people, tells messages of what cannot wait. today asks it when a plate is scanned. rules.py: pass
rate, band and the draw; drawing.py: who is drawn and sent; models.py: one inspection and its findings.
"""
