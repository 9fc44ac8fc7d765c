"""Questions about a sample: how they are answered, scored and learned."""
