"""History: where tickets live that have ended. Memory holds live work; SQL holds the rest."""
