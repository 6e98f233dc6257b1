"""`/v1/inbox`: what people do, over HTTP."""
