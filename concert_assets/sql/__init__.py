"""The SQL of the platform, one statement a file, and how it is read and translated."""
