"""requests 帮忙的事: help asked for, sent to somebody, done, confirmed, rated; what cannot be met is a need.

Takes households from people, the catalogue's kinds from roster, tasks from messages. Family asks it.
"""
