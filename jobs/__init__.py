"""A job's life: plan, accept and hold, submit, settle, reconcile, cancel, fetch the files. Start at transitions.py."""
