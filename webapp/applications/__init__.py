"""applications 申请: which tier a household falls in, worked out; applications on their way, and what is published about them.

Takes households and caregivers from people. Open to everybody: rules, notices while they hang, how far one's own is.
"""
