"""Claims: the sentences of the answers, each with a check behind it."""

from claims.engine.declare import claim, convention, legal, measured, myth, proved

__all__ = ["claim", "convention", "legal", "measured", "myth", "proved"]
