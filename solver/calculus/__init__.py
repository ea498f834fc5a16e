"""Matrix calculus: gradients by one reverse sweep, Jacobians and Hessians by one forward."""
