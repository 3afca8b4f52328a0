"""welfare 走访: residents without daily care are gone to see, the more often the greater the risk (P27 P29 M09).

models.py whom one goes to see and the diary of it, rules.py when again. Takes residents from people, tasks from messages.
endings closes it; a household that moves takes its days along, its station is asked of the household.
"""
