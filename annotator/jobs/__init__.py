"""Long work with progress and cancel, and the engine process that runs it."""
