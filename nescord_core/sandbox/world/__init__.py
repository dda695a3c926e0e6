"""The state of the local Discord, and the actions of people in it. Knows no HTTP and no websocket."""
