"""endings 收尾: what each room lets go of when somebody's care ends, a household moves to another station, a caregiver leaves.

The ends themselves stand in people (ends.py). care.py ends somebody's care everywhere at once; moving.py hands a household to
another station without a gap; departing.py is the sequence of a caregiver who leaves. Takes every room upstream; today shows
what it opens as tasks.
"""
