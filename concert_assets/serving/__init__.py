"""What answers requests for forecasts at an endpoint of SageMaker, and the package that it runs from."""
