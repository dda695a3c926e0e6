"""A module that must not be imported before a fork."""

import threading
import time

threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
