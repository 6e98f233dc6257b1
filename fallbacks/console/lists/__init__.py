"""Many tickets: the inbox, search, groups, mentions, and one act on many."""
