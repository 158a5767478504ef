"""Evaluation of one function: what is asked, the inputs, the answers; `api` is what Python users meet."""
