"""The window: Qt only. No SQL, no torch, no backends."""
