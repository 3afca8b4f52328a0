"""today 今天: the front page of each role, the visit page that gathers a visit's steps, and the faces of /c/<token>.

The last house but one of the street: it may ask everybody upstream; only sample asks it.
"""
