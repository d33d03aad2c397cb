"""Views: what each page says, out of what is known; values in, values out."""
