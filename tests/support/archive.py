"""Exported projects in Python: what is in one, and how to make one that amfd takes for its own."""
import hashlib
import io
import tarfile


def members(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def header(name, size):
    block = bytearray(512)
    for at, text in ((0, name), (100, "0000644"), (108, "0000000"), (116, "0000000"), (124, f"{size:011o}"),
                     (136, "00000000000"), (148, " " * 8), (156, "0"), (257, "ustar"), (263, "00"),
                     (329, "0000000"), (337, "0000000")):
        block[at:at + len(text)] = text.encode()
    block[148:155] = f"{sum(block):06o}\0".encode()
    return bytes(block)


def pack(entries, sums=True):
    """An archive as amfd writes it, of whatever is to be in it."""
    entries = dict(entries)
    entries.pop("SHA256SUMS", None)
    if sums:
        entries["SHA256SUMS"] = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                                        for name, data in entries.items()).encode()
    return b"".join(header(name, len(data)) + data + bytes(-len(data) % 512)
                    for name, data in entries.items()) + bytes(1024)
