"""The features of a fleet in the forms of schedulers, monitors and configuration management."""
