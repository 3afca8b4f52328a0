"""Tests of webapp/store."""
