"""What everything looks like: tables, pages, requests, jobs. No I/O here."""
