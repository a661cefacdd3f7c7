"""Pictures of real runs for docs/bots/: recorded prices, the program, its orders and fills."""
