"""outings 外出: who went out with whom, where and until when; and the case of somebody who is lost (走失).

Kept from the caregiver's phone, written by the station or by kin (W15). models.py what stands, going.py the outings,
lost.py the search. Takes households from people, cards and what strangers said from cards, notices from messages.
endings closes them; today shows them on top.
"""
