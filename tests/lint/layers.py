"""Who may include whom: CONTRIBUTING.md's picture as a table.

A layer is a folder; `exports` is the prefix of its public headers, `may` the prefixes it may include beside
its own. Library headers belong to the files listed in LIBRARIES and to nobody else.
"""

# Deeper folders first: a file belongs to the first one it lies in.
LAYERS = [
    {"folder": "proto", "exports": "proto", "may": []},
    {"folder": "amf", "exports": "amf", "may": []},
    {"folder": "server/log", "exports": "log", "may": []},
    {"folder": "server/store", "exports": "store", "may": []},
    {"folder": "server/state", "exports": "state", "may": ["store", "log", "amf", "proto"]},
    {"folder": "server/api", "exports": "api", "may": ["state", "store", "log", "amf", "proto"]},
    # store: a writing handler runs in a transaction, and kept replies commit with it
    {"folder": "server/http", "exports": "http", "may": ["api", "store", "log", "proto"]},
    # main.c and what stands beside it puts the parts together
    {"folder": "server", "exports": None, "may": ["http", "api", "state", "store", "log", "amf", "proto"]},
    {"folder": "clients/c", "exports": "amf_client", "may": ["proto"]},
    {"folder": "clients/lab", "exports": "lab", "may": ["amf", "proto"]},
    {"folder": "clients/cli", "exports": None, "may": ["amf_client", "lab", "proto", "amf"]},
]
PREFIXES = [layer["exports"] for layer in LAYERS if layer["exports"]]

# header pattern: folders and files that may see it
LIBRARIES = {
    r"(cblas|openblas|f77blas|lapack).*\.h": ["amf/src/blas.c"],
    r"nlopt\.h": ["amf/src/optimize.c"],
    r"microhttpd\.h": ["server/http/"],
    r"sqlite3\.h": ["server/store/"],
    r"jansson\.h": ["proto/"],
    r"curl/.*": ["clients/c/"],
    r"nettle/.*": ["proto/", "server/"],
}


def layer_of(path):
    """The layer a file lies in, None outside of all."""
    for layer in LAYERS:
        if str(path).startswith(layer["folder"] + "/"):
            return layer
    return None
