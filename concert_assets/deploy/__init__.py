"""The infrastructure of the deployment aws: the CloudFormation template, and what makes, changes and removes its stack."""
