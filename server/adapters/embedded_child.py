"""The process that runs the embedded model; started by `upstream_embedded`, which speaks to it over loopback.

It imports nothing of the server. One line of JSON on standard input says what to run, one on standard output says
where it listens, or what is wrong. It lives as long as its standard input is open, so it dies with its parent, however
that one ends. A process of its own, because the library may abort the one that it runs in.
"""

import json
import os
import sys
from typing import Any


def started(order: dict[str, Any]) -> Any:
    """Return the running server of the model that `order` names; it listens on a free port of 127.0.0.1."""
    import xllamacpp  # noqa: PLC0415  a library that cannot be loaded is told to the parent, too

    params = xllamacpp.CommonParams()
    params.verbosity = 0
    params.model.path = order["weights"]
    params.model_alias = {order["alias"]}
    params.n_ctx = order["context"]
    # One pool of tokens for all slots: a single conversation may use the whole context.
    params.kv_unified = True
    params.n_parallel = order["parallel"]
    # A prompt is read in short batches, so that other answers go on meanwhile and a caller who leaves stops it.
    params.n_batch = params.n_ubatch = 128
    params.n_predict = order["max_output"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = order["threads"]
    params.n_gpu_layers = 0
    # What the model's authors advise for chat, and a brake on repeating itself, which models this small need.
    params.sampling.temp, params.sampling.top_p = 0.2, 0.9
    params.sampling.penalty_repeat = 1.15
    # Prompts that lose their slot are kept in memory: a conversation that comes back need not be read again.
    params.cache_ram_mib = order["cache_mib"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [order["key"]]
    params.ui = False
    params.endpoint_slots = False
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until standard input ends."""
    # The library writes to both outputs; ours is kept apart, and theirs lead nowhere.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    try:
        server = started(json.loads(sys.stdin.buffer.readline()))
        said = {"address": server.listening_address}
    except Exception as why:  # noqa: BLE001  whatever it is, the parent has to know
        said = {"error": f"{type(why).__name__}: {why}"}
    print(json.dumps(said), file=answer, flush=True)
    sys.stdin.buffer.read()
    # The library's threads need no farewell, and waiting for a running answer would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
