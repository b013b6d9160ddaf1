"""The site: the book as pages, each assertion with what stands behind it."""
