"""Care of an archive: made again from its raw pages, verified, repaired, maintained, exported."""
