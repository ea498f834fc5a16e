"""What those who set problems ask of the program: documents, their variants, and lint."""
