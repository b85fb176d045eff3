"""Response and endpoints of patients."""
