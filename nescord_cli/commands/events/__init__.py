"""`nescord events`: tail, record, replay, last and failed.

Rendering events and calls for the terminal belongs here; recording and replaying are in
`nescord_core.services.recording`.
"""
