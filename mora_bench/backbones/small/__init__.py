"""How the shipped networks were pre-trained, on pairs drawn for it."""
