"""A real model on this machine behind the OpenAI form: what Deskhand promises, kept with it; what it has right."""
