"""The OpenAPI document is true: requests made from it are answered as it says."""
