"""Which Discord library a program is written for, and which one is installed as ``discord``.

Nothing here imports a library: it may be missing, or another one under the same name.
"""
