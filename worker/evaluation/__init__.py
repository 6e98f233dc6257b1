"""What labelled and decided tickets say of the agent."""
