"""Repairing copies from one another: what they prove together, what is lost, bad objects made anew beside the old."""
