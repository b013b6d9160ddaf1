"""What a batch costs and what it buys, measured on this machine; the command is `claims bench`."""
