"""A cross-modal autoencoder for the heart: ECG and cardiac MRI in one shared latent."""

__version__ = "0.1.0"
