"""What the space says: latents of a cohort, their map, their neighbours, and files for others."""
