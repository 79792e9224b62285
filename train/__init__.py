"""Training: experiments in, run folders out."""
