"""training 培训: courses, sessions, who was there, tests and certificates, and how many were trained this year.

Takes people from people and badges from cards, who says that the basic course is passed (people.Clearance): the roster sends
nobody without it. evaluations asks it.
"""
