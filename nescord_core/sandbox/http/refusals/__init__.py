"""Refusals of Discord that depend on the world's state and that the model does not know.

One module for each kind of object; `check` runs the refusals of an operation before its route. Checks of the
request's form are in `message_rules` and `validation`; which of Discord's error codes the sandbox sends is in
`error_codes`.
"""
