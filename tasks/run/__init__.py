"""The rails of a narrow process: the bounded loop, its checkpoint, journal, limits and tool calls. Pure."""
