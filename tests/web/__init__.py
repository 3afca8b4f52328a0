"""Tests of webapp/web."""
