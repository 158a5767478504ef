"""Formulas of the user's own and of the catalogue: text to tree, value and derivatives, and back to text and LaTeX.

`entries.Formula` reads one and makes an entry of it; `entries.constant` reads a number such as ln(3).
"""
