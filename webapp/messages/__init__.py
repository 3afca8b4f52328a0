"""messages 消息和待办: what a person must do (tasks), what somebody must see (notices) and the ladder a red one climbs until a
human has seen it, the one outgoing adapter, browsers that asked to be told (pushing.py), who rang whom (calling.py),
announcements with read receipts.

Takes people from upstream, the duty table among them. Later rooms call its verbs and never hear back: they name an endpoint
to go to and a key by which they take a task away again. today gathers its front page from it.
"""
