"""Times a plain read of so many bytes with all threads; prints one line of JSON."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

size, rounds, threads = (int(word) for word in sys.argv[1:4])
block = np.ones(size // threads * threads, dtype=np.uint8).reshape(threads, -1)
with ThreadPoolExecutor(threads) as pool:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        list(pool.map(np.max, block))  # vectorised, and free of the GIL
        times.append(time.perf_counter() - started)
print(json.dumps({"steps": times}))
