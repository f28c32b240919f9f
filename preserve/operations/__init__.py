"""One verb, one module: what people, cron and the daemon ask of the service."""
