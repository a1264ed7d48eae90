"""Image files and arrays, read and brought to one shape."""
