"""people 人: who works where, who lives where, and who may enter which household.

Keeps places (district > street > station), persons, accounts, grants, devices, households, residents,
kin with consent, home-care units; and four facts later rooms set through its verbs: Assignment, Clearance,
Alert, tier. Takes nothing from upstream: it is the first house of the street. Everybody asks it.
"""
