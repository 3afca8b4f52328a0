"""people 人: who works where, who lives where, and who may enter which household.

Keeps places (district > street > station), persons, accounts, grants, devices, households, residents,
kin with consent, home-care units; and four facts later rooms set through its verbs: Assignment, Clearance,
Alert, tier. Takes nothing from upstream: it is the first house of the street. Everybody asks it.

Rows and verbs: places, accounts (persons and their ways in), models (households, and the door to the other two), taps.
Ways in: doors (sign-in, invitations, my page) and phones (PIN, enrolling) on the latch they share; entry, login,
keys (of phones, for delivery).
Pages: desk (how a form is answered), views (list, households), residents, staff, importing.
The clerk's sheet: sheets reads it, registering compares it with the books, bringing keeps it, settling does its steps.
"""
