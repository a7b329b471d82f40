"""Where and how compiled programs run: cores, the cache on disk, shares of trials."""
