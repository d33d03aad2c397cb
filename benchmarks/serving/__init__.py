"""Serving: how fast texts are answered over HTTP, beside what one would pick instead."""
