"""Where things are kept: tables, checkpoints, files. Imports schemas and errors only."""
