"""When and in what order: the only Prefect code."""
