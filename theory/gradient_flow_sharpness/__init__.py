"""The sharpness at the end of gradient flow, along gradient descent: small exact networks.

## Units

Step size rate, time in steps; sharpness at a minimum λ_max of the Hessian, with the edge at rate ·
sharpness = 2.

## Assumptions

- The networks are small enough that gradient flow conserves the balances of their weights, which
  tell where it ends.
- `"map"` is exact. `"quasi-static"` and `"normal-form"` take the balances to move slowly beside
  the product of the weights; `"flow"` takes the rate to be small.
"""
