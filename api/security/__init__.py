"""Security: who may ask what, how often, and what every answer says to browsers."""
