# Whether a sandbox for 4 processes beside the first lets a program have so many.
import os
import time

made = 0
try:
    while made < 20:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError:
    pass
os.write(1, b'well\n' if made == 4 else b'it started %d processes where 4 are the limit\n' % made)
os._exit(0)
