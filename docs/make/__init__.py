"""What the site prints from the package while it is built."""
