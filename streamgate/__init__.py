"""streamgate: a stream-processing redaction service on Kafka.

Import from the submodule that owns a thing (``streamgate.client`` for producers and consumers); nothing is exported here.
"""
