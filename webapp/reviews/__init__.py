"""reviews 季评议: the quarter of a caregiver spoken over by those around her: voices, minutes, outcome, the talk after.

Takes the months from evaluations, pass rates from inspections, tests from training; asks voices for another caregiver. today asks
it. rules.py: points of a quarter; models.py: one review, its voices and its talk.
"""
