"""Number systems the kernels run on, and numerically careful building blocks."""
