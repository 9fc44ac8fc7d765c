"""What scores over seeds allow to say; numbers in, numbers out, no torch."""
