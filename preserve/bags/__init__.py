"""BagIt (RFC 8493): names, manifests and tag files written; submissions listed; bags judged."""
