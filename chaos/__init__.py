"""The longer fault suite: the whole kill matrix, then a storm of random faults, judged by ledgers.

    python -m chaos                       # both; about ten minutes
    python -m chaos --minutes 30 --seed 7 --only storm

Everything listens on loopback, lives in a temporary folder and ends with this program.
"""
