"""The detection head: boxes learned in the project, on frozen EfficientNet-Lite0 features.

``views`` say which part of a picture is looked at and how large, ``augment`` makes copies of it, ``feature_cache`` keeps what the
encoder said of them, ``network`` and ``training`` (torch) learn, ``head`` runs what was learned without torch, ``decode`` turns
its maps into boxes, ``scores`` says how good they are. Nothing here reads or writes a database.
Source: TTFNet (Liu et al. 2020) on a frozen backbone; constants: METHODS, "Boxes and masks: measured defaults".
"""
