"""The services of the contract as plain coroutines: messages in, messages out."""
