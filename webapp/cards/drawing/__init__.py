"""drawing 画卡: one drawing in millimetres, two pens (a picture, a page of paper).

face says what a card tells, layout what stands where, canvas puts it there, letters knows the font, symbol the QR code,
portrait the photo, pens the two ways to draw. Pure: no database, no request. Only printing asks it.
"""
