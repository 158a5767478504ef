"""Checking answers: somebody's numbers read, compared with the right ones, and their mistakes found."""
