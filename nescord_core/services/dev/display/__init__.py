"""What a person sees of `nescord dev` in a terminal: which lines, and how they look.

Everything here is pure: records, states and facts come in, lines of text go out.
"""
