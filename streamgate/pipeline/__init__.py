"""The use cases: redact, restore, consents, subject requests, the sweep of what is overdue (vault); complete (egress); notarise (notary).

Each is a ``Stage`` (``ports/stage.py``): it prepares a record and then decides, purely, what is to be written. Nothing here knows Faust,
Kafka, the OpenAI SDK or Presidio.
"""
