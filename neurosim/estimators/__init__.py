"""Estimators for scikit-learn: networks trained by any scheme of credit assignment."""
