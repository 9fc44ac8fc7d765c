"""The embedded twins of ODIR and Indiana CXR: seeded drawings and texts with the same labels and schema."""
