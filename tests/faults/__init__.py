"""Phones, a nemesis and a checker against the real server: nothing a phone recorded is lost, doubled or blocked."""
