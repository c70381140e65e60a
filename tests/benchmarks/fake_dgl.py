"""Stands in for ``benchmarks/rivals/pinsage_dgl.py`` in tests: the same messages, no training.

Films of the two blocks of ``tests.planted`` get opposite vectors, and the bias of a film is its row.
"""

import json
import sys

import numpy as np

data = dict(np.load(sys.argv[1]))
print(json.dumps({"versions": {"dgl": "fake", "torch": "none"}}), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    if job["neighbors"] == 13:
        sys.exit("something\nerror: out of luck")
    if "seconds" in job:
        seen = len(data["users"]) + int(data["num_movies"]) * len(data["content"])
        answer = {"pairs": job["batch_size"] * seen, "processor_seconds": job["seconds"]}
    else:
        films = np.arange(int(data["num_movies"]), dtype=np.float32)
        np.savez(job["file"], h=np.stack([films % 2, 1 - films % 2], axis=1), bias=films)
        answer = {"loss": 0.0}
    print(json.dumps(answer), flush=True)
