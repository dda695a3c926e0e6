"""The control API below /sandbox: what people do, the state, waiting, faults, settings, load."""
