"""Numbers read off recordings: how alike two are, intervals, volumes."""
