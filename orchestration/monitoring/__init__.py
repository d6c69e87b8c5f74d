"""What an operator looks at: `doctor`, metrics, and the report of deliveries."""
