"""health 健康: the level of a reading and of an ability assessment, worked out; nothing is kept here yet."""
