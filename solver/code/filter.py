"""System calls that the child may not make: a filter of the kernel's (seccomp), as its bytes.

Namespaces and limits confine the child already; this keeps it from starting processes even
where the limit on their number does not count (root), from memory that no limit of a
process counts (shared segments, queues), and from the kernel's rarer doors.
"""

from __future__ import annotations

import os
import struct

LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000  # REFUSE | errno
EPERM, ENOSYS = 1, 38
CLONE3 = 435  # the C library tries clone where this one is not there
FIRST_X32 = 0x40000000  # the same calls by other numbers

# machine -> (its name in the kernel, {call: number}); linux/audit.h, asm/unistd.h
MACHINES = {
    "x86_64": (0xC000003E, {
        "fork": 57, "vfork": 58, "clone": 56, "execveat": 322, "socket": 41,
        "socketpair": 53, "ptrace": 101, "mount": 165, "unshare": 272, "setns": 308,
        "bpf": 321, "io_uring_setup": 425, "keyctl": 250, "add_key": 248,
        "request_key": 249, "perf_event_open": 298, "userfaultfd": 323,
        "memfd_create": 319, "process_vm_readv": 310, "process_vm_writev": 311,
        "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240, "memfd_secret": 447,
    }),
    "aarch64": (0xC00000B7, {
        "clone": 220, "execveat": 281, "socket": 198, "socketpair": 199, "ptrace": 117,
        "mount": 40, "unshare": 97, "setns": 268, "bpf": 280, "io_uring_setup": 425,
        "keyctl": 219, "add_key": 217, "request_key": 218, "perf_event_open": 241,
        "userfaultfd": 282, "memfd_create": 279, "process_vm_readv": 270,
        "process_vm_writev": 271, "shmget": 194, "msgget": 186, "semget": 190,
        "mq_open": 180, "memfd_secret": 447,
    }),
}  # fmt: skip


def program(machine: str = "") -> bytes:
    """The filter for this machine; empty where its calls are not listed here."""
    known = MACHINES.get(machine or os.uname().machine)
    if known is None:
        return b""
    name, calls = known
    lines = [
        (LOAD, 0, 0, 4),  # the machine
        (EQUAL, 1, 0, name),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),  # the call's number
        (AT_LEAST, 0, 1, FIRST_X32),
        (RETURN, 0, 0, KILL),
        *refused(CLONE3, ENOSYS),
    ]
    for number in calls.values():
        lines += refused(number, EPERM)
    lines.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def refused(number: int, error: int) -> list[tuple[int, int, int, int]]:
    """Two instructions: a call of this number fails with this error."""
    return [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | error)]
