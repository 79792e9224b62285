"""How good a run is, on participants whom it never saw."""
