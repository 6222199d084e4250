"""Features, splits, baselines, fitting, evaluation and persistence of models."""
