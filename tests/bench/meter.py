"""CPU seconds and memory of processes, children included."""

import psutil


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living children."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(member.cpu_times().user + member.cpu_times().system for member in family)


def pss_bytes(pid: int) -> int:
    """Proportional set size of a process and its children: shared pages are counted once."""
    process = psutil.Process(pid)
    return sum(member.memory_full_info().pss for member in [process, *process.children(recursive=True)])
