"""The control API below /sandbox: people's actions, views of the state, load."""
