"""MOTChallenge: boxes of tracked objects, a folder per sequence. Specification: the MOT16 paper and motchallenge.net."""
