"""Paired cohorts of simulated hearts whose truth is known: physiology, then ECG and cine of it."""
