"""What happens after and between runs: post-run hooks and retention."""
