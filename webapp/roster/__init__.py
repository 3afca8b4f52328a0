"""roster 排班: the weekly service plan of a household, the shifts made from it, fourteen days ahead, and who is not there.

plans.py keeps the rows, calendar.py the holidays; conflicts.py says on paper what stands against a plan, foresight.py gathers
it, publishing.py tells caregivers of a week, week.py has its pages. absences.py keeps pauses, leave and relief; laying shifts
reads them. pausing.py and leaving.py are their verbs, away.py their pages. Takes households, assignments and stations from
people, notices from messages. visits asks it what was planned; today draws from it.
"""
