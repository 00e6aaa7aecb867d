"""What producers of prompts and consumers of responses import.

Not a way around streamgate: these write prompt events and read responses, and hold no key and no policy.
"""

from streamgate.client._consumer import ResponseConsumer
from streamgate.client._events import Prompt, Response
from streamgate.client._producer import PromptProducer

__all__ = ["Prompt", "PromptProducer", "Response", "ResponseConsumer"]
