"""The domain itself: its name, clock, timers and security labels."""
