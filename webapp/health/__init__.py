"""health 健康: what a rescuer must know of a resident, and who opened it when; the level of a reading, worked out.

Takes residents from people and the code from cards. Family and today ask it.
"""
