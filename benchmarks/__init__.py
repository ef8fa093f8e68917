"""How fast it is, side by side with peers, in one run: `make bench`."""
