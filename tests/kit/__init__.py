"""Tests of webapp/kit."""
