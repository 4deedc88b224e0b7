"""Reads, one module per aggregate. What is written goes through `db.ledger`."""
