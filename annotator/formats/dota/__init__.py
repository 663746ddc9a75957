"""DOTA: a text file per picture with four corners, a class and a difficulty a line. Specification: the DOTA development kit."""
