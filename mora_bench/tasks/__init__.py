"""What is asked about a sample: how it is answered, scored and learned."""
