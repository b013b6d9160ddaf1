"""What the bodies of claims use: comparison with a stated bound, strategies, data. Knows no engine."""
