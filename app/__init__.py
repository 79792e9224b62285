"""The explorer: a browser application for a cohort of hearts."""
