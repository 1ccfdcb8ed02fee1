// The cost of Node itself.
