"""Components of the explorer: latent map, ECG paper, cine player."""
