"""Whether it stays as it is: hours of mixed load, and what they leave behind.

``python -m tests.soak`` (``make soak``) starts a worker, a beat, a caller and a site on
a server of its own, samples what they and the tables take, and judges whether it
grows. See ``judge``.
"""
