"""Step kinds of the SDK mode, by what they speak of."""
