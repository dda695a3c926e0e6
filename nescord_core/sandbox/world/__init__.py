"""The state of the local Discord and what people do in it. Knows no HTTP and no websocket."""
