"""Long work: the jobs by name, the shell that runs one with a progress bar, and the engine, a child process that runs them.

A job is a plain function over an open ``Project`` with a ``JobContext`` and returns one typed result.
"""
