"""The infrastructure of the deployment aws: the template, and what makes, changes and removes its stack."""
