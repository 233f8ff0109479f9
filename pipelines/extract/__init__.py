"""Pages and bytes out of Douyin. Imports schemas and errors only."""
