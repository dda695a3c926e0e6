"""How text looks in a terminal: colours, links, wrapping.

Only pure functions, and finding out what a terminal shows, belong here. What is printed is decided elsewhere.
"""
