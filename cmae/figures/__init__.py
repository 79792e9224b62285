"""Arrays in, figure files out: pictures for reports and documents (Matplotlib, SVG or PNG)."""
