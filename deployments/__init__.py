"""Where it runs: the command, the server, the deployments, the made-up Douyin."""
