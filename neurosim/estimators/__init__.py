"""Networks whose feedback learns, as estimators of scikit-learn."""
