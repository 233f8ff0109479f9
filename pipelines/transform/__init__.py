"""Raw pages to frames: pure, no clock, no environment. Imports schemas and errors only."""
