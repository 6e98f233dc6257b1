"""The make `systemone`: decision models, which answer typed questions with probabilities and write no text."""
