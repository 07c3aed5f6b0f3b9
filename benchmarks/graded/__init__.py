"""Search the pools of graded lists, and compare orders of the passages that were graded."""
