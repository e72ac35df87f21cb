"""Video, graphics, audio, sound and input devices."""
