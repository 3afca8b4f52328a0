"""kit: what would be the same in any program. Knows nothing but Python; everybody may ask it."""
