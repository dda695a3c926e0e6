"""What any process of nescord needs of the system: parent channel, ports, logs, rotated files, errors in
words.

What to start and when to restart it is `nescord_core.supervisor`.
"""
