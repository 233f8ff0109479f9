"""A made-up Douyin on loopback, written from the protocol; imports nothing else of the project."""
