"""Native builders: layers whose kernels in torch are faster than their portable definitions, of equal meaning."""
