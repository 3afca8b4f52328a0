"""sample 示例: the demo world, made up by seed from org_example.json; no real persons.

Stands at the end of the street because it uses everybody's verbs. Asked only by the command line.
"""
