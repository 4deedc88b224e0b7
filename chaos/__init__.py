"""The longer fault suite: the whole kill matrix, then a storm of random faults, judged by ledgers.

    make chaos                # the matrix and three storms; most of an hour
    make chaos-cut            # three minutes of a storm, as CI has it
    python -m chaos --minutes 30 --seed 7 --only storm

Everything listens on loopback, lives in a temporary folder and ends with this program.
"""
