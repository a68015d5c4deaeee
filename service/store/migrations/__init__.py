"""Schema revisions, run by `service.store.migrate` whenever a store of an older one is opened.

A new revision: change ``schema.py``, write ``versions/000N_what_changed.py`` with ``down_revision`` set to the one
before, move `schema.HEAD`. Tests compare the result of all revisions with ``schema.py``. There are no downgrades:
an older program refuses a newer store.
"""
