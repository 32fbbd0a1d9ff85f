"""What every endpoint for programs asks first: whose token a request has, what that may do, and its body, limited."""
