"""Files of the outside world become recordings in physical units."""
