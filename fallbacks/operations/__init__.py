"""What operators ask: who works, what it costs, who sends, how well it goes, and what is unusual now."""
