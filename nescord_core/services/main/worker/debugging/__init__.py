"""Debugs a worker from a terminal elsewhere (`nescord debug`), if it calls `breakpoint()`."""
