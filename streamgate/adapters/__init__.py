"""One file per outside thing; each implements one port. No decisions."""
