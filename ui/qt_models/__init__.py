"""Qt models over the session: they hold ids and ask for rows when these are painted."""
