"""What every solution needs: Curve, files, compiled code, random numbers."""
