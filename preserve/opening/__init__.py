"""Whether what came back can be used: documents are opened, and bags read by a reader that is not ours.

Files come from anywhere, and readers have faults: they run in processes of their own, with limits of time and memory.
"""
