"""Speed and memory, as figures against budgets; see ``__main__``."""

import os

# Before numpy is imported by whatever comes first: threads of its own would count as CPU time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
