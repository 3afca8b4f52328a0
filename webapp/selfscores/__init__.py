"""selfscores 自评打分表 (P07): a unit scores itself item by item with the proof, the office above checks every item.

Takes places from people, tells messages that a form waits to be checked. Nobody asks it yet.
"""
