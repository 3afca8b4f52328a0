"""web: HTTP. Knows access, store and kit, and no feature; features hang their doors on it."""
