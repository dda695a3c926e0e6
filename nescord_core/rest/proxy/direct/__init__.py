"""Requests that need not wait for anything: answered from memory, or sent to Discord without a task.

Whatever has to wait, or to be repeated, is left to the coroutines of `proxy` and `forwarding`.
"""
