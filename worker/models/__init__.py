"""Models behind one port, and what stands around them: redaction, reuse, prices."""
