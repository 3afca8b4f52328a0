"""roster 排班: the weekly service plan of a household, the shifts made from it, fourteen days ahead, and who is not there.

absences.py keeps pauses, leave and relief; laying shifts reads them. pausing.py and leaving.py are their verbs, away.py
their pages. Takes households, assignments and stations from people. visits asks it what was planned; today draws from it.
"""
