"""Adapters that put other libraries behind the slots' names: NumPy in, NumPy out."""
