"""roster 排班: the weekly service plan of a household and the shifts made from it, fourteen days ahead.

Takes households, assignments and stations from people. visits asks it what was planned; today draws from it.
"""
