"""What was measured: modalities and cohorts of participants."""
