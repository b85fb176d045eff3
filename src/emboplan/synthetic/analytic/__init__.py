"""Analytic cases: phantoms of simple solids, whose truth is a formula."""
