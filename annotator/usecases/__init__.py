"""What a person can do with a project, one function per module: scan, import, index, suggest, train, accept, export, simulate.

Each takes ``Parts`` (the open project's database, lane and folders) and a ``JobContext`` and returns a typed, frozen result.
``annotator.project.Project`` names them; nothing else above this package calls them.
"""
