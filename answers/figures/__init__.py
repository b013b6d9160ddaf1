"""The figures: each module has `ALT`, `data()` in NumPy, and `draw(data)` with matplotlib.

The data decide whether a drawing is out of date, and are what the tests look at.
"""
