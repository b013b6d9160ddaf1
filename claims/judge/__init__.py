"""Judge code that nobody here has read: it runs in a child that only evaluates, and everything else stays here."""
