"""applications 申请: which tier a household falls in, worked out; what is published about it. Nothing is kept yet."""
