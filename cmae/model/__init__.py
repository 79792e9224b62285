"""What is learned: networks, losses, the cross-modal autoencoder, and the run folder."""
