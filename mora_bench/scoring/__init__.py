"""From predictions to scores, at any rate, mechanism and pattern: no forward pass here, and no torch."""
