"""Python's collector of garbage in a process that lives for long."""

import gc


def spare_the_collector() -> None:
    """What is loaded by now lives as long as the process. Walking it held everything up for a tenth of a second; with
    the collections of what is young that was a tenth of a ticket's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
