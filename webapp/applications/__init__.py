"""applications 申请: which tier a household falls in, worked out; nothing is kept here yet."""
