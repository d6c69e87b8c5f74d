"""Reading deliveries into the raw tables (R1, R2). Plain Python and SQL; knows no Dagster."""
