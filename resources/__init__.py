"""Package data: icons, weights with their model cards, the catalogue of models."""
