"""voices 心声: asking every resident each month, complaints and suggestions, change of caregiver.

Takes households and units from people, shifts from roster, tasks from messages. Family and board ask it.
"""
