"""inspections 检查: what a supervisor finds in a home or station, and what is put right. rules.py: pass rate and band."""
