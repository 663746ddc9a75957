"""Dialogs and popups. None of them blocks: each is opened and answers with a signal."""
