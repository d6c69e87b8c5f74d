"""What the HTTP servers share: the bound socket, and limits on slow clients."""
