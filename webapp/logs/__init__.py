"""logs 日记: the diary of a visit: mood, meals, words, photos, handover, and what only the station may read.

Takes visits from upstream. family and today ask it.
"""
