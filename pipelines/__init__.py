"""How pages become rows and files: extract, transform, load. Plain Python, no Prefect."""
