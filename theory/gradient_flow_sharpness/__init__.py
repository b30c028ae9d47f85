"""The sharpness at the end of gradient flow, along gradient descent: small exact networks."""
